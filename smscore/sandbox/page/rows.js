// A list of which only the visible rows are in the page, so that its length does not matter.

const MARGIN = 5; // rows kept ready above and below

export class WindowedList {
  /**
   * `viewport` scrolls, `canvas` is as high as all of the rows together. `keyOf(item)` names an item for good,
   * `make(item)` gives its <li>, `update(row, item)` shows an item that has changed. `onEnd` is called when the last
   * rows come in sight, `onPaint` in every frame that is painted.
   */
  constructor({ viewport, canvas, keyOf, make, update, onEnd, onPaint }) {
    Object.assign(this, { viewport, canvas, keyOf, make, update, onEnd, onPaint });
    this.items = [];
    this.rows = new Map();
    this.frame = null;
    viewport.addEventListener("scroll", () => this.paintSoon(), { passive: true });
    new ResizeObserver(() => this.measure()).observe(viewport);
  }

  measure() {
    this.rowHeight = parseFloat(getComputedStyle(this.canvas).getPropertyValue("--row")) || 72;
    this.paintSoon();
  }

  get isAtTop() {
    return this.viewport.scrollTop < this.rowHeight / 2;
  }

  /** Paint in the next frame, once, however often this is called before it. */
  paintSoon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.paint();
      this.onPaint();
    });
  }

  /** Make every row anew, as after a change of digits. */
  repaintAll() {
    this.isStale = true;
    this.paintSoon();
  }

  paint() {
    if (!this.rowHeight || this.viewport.clientHeight === 0) return;
    this.canvas.style.height = `${this.items.length * this.rowHeight}px`;
    const { first, last } = this.range();
    this.drop(new Set(this.isStale ? [] : this.items.slice(first, last).map(this.keyOf)));
    this.isStale = false;
    let place = this.canvas.firstElementChild;
    for (let index = first; index < last; index += 1) {
      const row = this.show(this.items[index], index);
      if (row === place) place = place.nextElementSibling;
      else this.canvas.insertBefore(row, place);
    }
    if (last === this.items.length) this.onEnd();
  }

  range() {
    const top = this.viewport.scrollTop / this.rowHeight;
    const shown = this.viewport.clientHeight / this.rowHeight;
    return {
      first: Math.max(0, Math.min(Math.floor(top) - MARGIN, this.items.length - Math.ceil(shown) - MARGIN)),
      last: Math.min(this.items.length, Math.ceil(top + shown) + MARGIN),
    };
  }

  drop(wanted) {
    for (const [key, { row }] of this.rows) {
      if (wanted.has(key)) continue;
      row.remove();
      this.rows.delete(key);
    }
  }

  show(item, index) {
    const key = this.keyOf(item);
    const known = this.rows.get(key);
    const row = known?.row ?? this.make(item);
    if (known && known.item !== item) this.update(row, item);
    this.rows.set(key, { row, item });
    row.style.transform = `translateY(${index * this.rowHeight}px)`;
    row.setAttribute("aria-setsize", this.items.length);
    row.setAttribute("aria-posinset", index + 1);
    return row;
  }

  /** Bring the row of that index into sight, and into the page. */
  reveal(index) {
    const top = index * this.rowHeight;
    const bottom = top + this.rowHeight - this.viewport.clientHeight;
    if (this.viewport.scrollTop > top) this.viewport.scrollTop = top;
    if (this.viewport.scrollTop < bottom) this.viewport.scrollTop = bottom;
    this.paint();
    return this.rows.get(this.keyOf(this.items[index]))?.row;
  }
}

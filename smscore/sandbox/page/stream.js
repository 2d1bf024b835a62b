// The live events, over one connection for all tabs: a browser opens at most six to a host.

const KINDS = ["messages", "statuses", "cleared", "faults", "clock", "requests"];
const CHANNEL = "events";
const RETRY = 2000; // milliseconds, if the browser itself does not try again

/** Read the events until the returned function is called: `tell(kind, text)` for each, and as the stream comes and goes. */
export function read(tell) {
  let source;
  let timer;
  const open = () => {
    source = new EventSource("/events");
    source.addEventListener("open", () => tell("connected", ""));
    source.addEventListener("error", () => {
      tell("disconnected", "");
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, RETRY);
    });
    for (const kind of KINDS) source.addEventListener(kind, (event) => tell(kind, event.data));
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}

/** Share the events with the browser's other tabs; read them alone if it has no shared workers. */
export function readTogether(tell) {
  try {
    const channel = new BroadcastChannel(CHANNEL);
    const hear = ({ data: [kind, text] }) => tell(kind, text);
    const worker = new SharedWorker("/static/streamworker.js", { type: "module" });
    channel.onmessage = hear;
    worker.port.onmessage = hear;
    worker.onerror = () => {
      channel.close();
      readWhileVisible(tell);
    };
  } catch {
    readWhileVisible(tell); // no shared workers, or storage is off
  }
}

/** Read the events in visible tabs; one that becomes visible again catches up when it connects. */
function readWhileVisible(tell) {
  let stop = null;
  const follow = () => {
    stop?.();
    stop = document.hidden ? null : read(tell);
  };
  document.addEventListener("visibilitychange", follow);
  follow();
}

/** The shared worker's work: read for all tabs, and tell each new one whether the events arrive. */
export function readForAll(scope) {
  const channel = new BroadcastChannel(CHANNEL);
  let link = null;
  scope.onconnect = ({ ports: [port] }) => link && port.postMessage([link, ""]);
  read((kind, text) => {
    if (kind === "connected" || kind === "disconnected") link = kind;
    channel.postMessage([kind, text]);
  });
}

// The sandbox's live events, read over one connection however many tabs are open: a browser gives a host but six.

const KINDS = ["messages", "statuses", "cleared", "faults", "clock", "requests"];
const CHANNEL = "events";
const RETRY = 2000; // milliseconds, where the browser itself does not try again

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

/** Read the events together with the browser's other tabs; alone where it has no worker that tabs share. */
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
    readWhileVisible(tell); // no such worker here, or storage is off
  }
}

/** Read the events in the tabs that are seen; one that is shown again catches up as it is connected. */
function readWhileVisible(tell) {
  let stop = null;
  const follow = () => {
    stop?.();
    stop = document.hidden ? null : read(tell);
  };
  document.addEventListener("visibilitychange", follow);
  follow();
}

/** What the shared worker does: read for every tab, and say to each new one whether the stream is there. */
export function readForAll(scope) {
  const channel = new BroadcastChannel(CHANNEL);
  let link = null;
  scope.onconnect = ({ ports: [port] }) => link && port.postMessage([link, ""]);
  read((kind, text) => {
    if (kind === "connected" || kind === "disconnected") link = kind;
    channel.postMessage([kind, text]);
  });
}

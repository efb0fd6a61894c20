// All tabs of a browser share one stream: HTTP/1.1 allows six connections to a host, the seventh tab would hang.
import { Hub } from "./hub.js";

const hub = new Hub();
const scope = /** @type {any} */ (self);

scope.onconnect = (/** @type {MessageEvent} */ event) => {
  const port = /** @type {MessagePort} */ (event.ports[0]);
  port.onmessage = (message) => hub.said(port, message.data);
  port.start();
};

// Clients as pages have them, told what to do by lines of JSON; what they see goes out the same way.
//   {open: id, url, options} {emit: id, arguments, ack?} {close: id}
"use strict";
const connect = require("socket.io-client");
const readline = require("readline");

const pages = new Map();

function say(page, what, value) {
  process.stdout.write(`${JSON.stringify([page, what, value ?? null])}\n`);
}

function open(page, url, options) {
  const socket = connect(url, { forceNew: true, reconnectionDelay: 1, ...options });
  pages.set(page, socket);
  for (const what of ["disconnect", "error", "connect_error", "pong", "message"]) {
    socket.on(what, (value) => say(page, what, value instanceof Error ? value.message : value));
  }
  socket.on("connect", () => say(page, "connect", socket.io.engine.transport.name));
  const { engine } = socket.io;
  engine.on("upgrade", (transport) => say(page, "upgrade", transport.name));
  engine.on("upgradeError", (error) => say(page, "upgradeError", error.message));
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const told = JSON.parse(line);
  if ("open" in told) {
    open(told.open, told.url, told.options);
  } else if ("close" in told) {
    pages.get(told.close).close();
  } else {
    const values = told.arguments.map((each) => (each?.bytes ? Buffer.from(each.bytes) : each));
    if (told.ack) {
      values.push((...answer) => say(told.emit, "ack", answer));
    }
    pages.get(told.emit).emit(...values);
  }
}).on("close", () => process.exit(0));

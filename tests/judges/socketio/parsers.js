// The parsers of the pages' client, for tests/protocols: one JSON array per line in, one JSON value out.
// Bodies travel as base64 of what goes over HTTP: a browser writes half a character as U+FFFD.
"use strict";
const engine = require("engine.io-parser");
const socket = require("socket.io-parser");
const readline = require("readline");

const OPERATIONS = {
  // [[kind, data], ...] -> body
  packTexts: (packets) => {
    let found;
    engine.encodePayload(named(packets), (text) => (found = Buffer.from(text)));
    return found.toString("base64");
  },
  packBytes: (packets) => {
    let found;
    engine.encodePayloadAsBinary(named(packets), (bytes) => (found = bytes));
    return found.toString("base64");
  },
  // body -> [[kind, data], ...]
  unpack: (body) => {
    const found = [];
    engine.decodePayload(Buffer.from(body, "base64").toString(), (packet) => {
      found.push([packet.type, packet.data]);
    });
    return found;
  },
  // packet -> text
  write: (packet) => {
    let found;
    new socket.Encoder().encode(packet, (texts) => (found = texts[0]));
    return found;
  },
  // text -> packet
  read: (text) => {
    let found;
    const decoder = new socket.Decoder();
    decoder.on("decoded", (packet) => (found = packet));
    decoder.add(text);
    return found;
  },
};

function named(packets) {
  return packets.map(([type, data]) => ({
    type,
    data: data.type === "Buffer" ? Buffer.from(data.data) : data,
  }));
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const [operation, argument] = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(OPERATIONS[operation](argument) ?? null)}\n`);
});

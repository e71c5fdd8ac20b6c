// The part of PubSubClient that the example uses, with a real connection to an MQTT server.
#pragma once

#include <Arduino.h>
#include <WiFi.h>
#include <netdb.h>
#include <sys/socket.h>

#include <string>

class PubSubClient {
 public:
  explicit PubSubClient(WiFiClient &) {}
  ~PubSubClient() { disconnect(); }
  void setServer(const char *name, uint16_t number) {
    host = name;
    port = number;
  }
  bool loop() { return session >= 0; }
  int state() { return code; }
  void disconnect() {
    if (session >= 0) close(session);
    session = -1;
  }
  bool connect(const char *id, const char *user, const char *password) {
    disconnect();
    code = -2;
    addrinfo hints = {}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found)) return false;
    session = socket(found->ai_family, SOCK_STREAM, 0);
    bool reached = !::connect(session, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    std::string body = text("MQTT") + std::string("\x04\xC2\x00\x0F", 4);
    body += text(id) + text(user) + text(password);
    std::string packet = "\x10";
    packet += char(body.size() % 128 | (body.size() > 127 ? 128 : 0));
    if (body.size() > 127) packet += char(body.size() / 128);
    packet += body;
    uint8_t answer[4] = {};
    if (reached && write(session, packet.data(), packet.size()) > 0 &&
        recv(session, answer, 4, MSG_WAITALL) == 4) {
      code = answer[3];
    }
    if (code) disconnect();
    return !code;
  }

 private:
  std::string host;
  uint16_t port = 0;
  int session = -1, code = -1;
  static std::string text(const std::string &words) {
    std::string size = {char(words.size() / 256), char(words.size() % 256)};
    return size + words;
  }
};

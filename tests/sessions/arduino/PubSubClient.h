// The part of PubSubClient that the example uses, with a real connection to an MQTT server.
#pragma once

#include <Arduino.h>
#include <WiFi.h>
#include <netdb.h>
#include <sys/socket.h>

class PubSubClient {
 public:
  explicit PubSubClient(WiFiClient &) {}
  ~PubSubClient() { disconnect(); }
  void setServer(const char *name, uint16_t number) {
    snprintf(host, sizeof host, "%s", name);
    snprintf(port, sizeof port, "%u", number);
  }
  void setSocketTimeout(uint16_t) {}
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
    if (getaddrinfo(host, port, &hints, &found)) return false;
    session = socket(found->ai_family, SOCK_STREAM, 0);
    bool reached = !::connect(session, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    uint8_t packet[1024] = {0x10, 0x80, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 0xC2, 0, 15}, answer[4] = {};
    size_t size = 13;
    const char *texts[] = {id, user, password};
    for (const char *text : texts) {
      packet[size++] = uint8_t(strlen(text) / 256);
      packet[size++] = uint8_t(strlen(text) % 256);
      memcpy(packet + size, text, strlen(text));
      size += strlen(text);
    }
    packet[1] = uint8_t((size - 3) % 128 | 128);
    packet[2] = uint8_t((size - 3) / 128);
    if (reached && write(session, packet, size) > 0 && recv(session, answer, 4, MSG_WAITALL) == 4) {
      code = answer[3];
    }
    if (code) disconnect();
    return !code;
  }

 private:
  char host[254] = "", port[6] = "";
  int session = -1, code = -1;
};

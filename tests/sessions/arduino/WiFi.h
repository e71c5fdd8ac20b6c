// A Wi-Fi that knows one network: MOORING_WIFI is "name=password".
#pragma once

#include <Arduino.h>

enum { WL_IDLE_STATUS, WL_CONNECTED = 3 };

class Wifi {
 public:
  void begin(const char *name, const char *password = "") {
    const char *known = getenv("MOORING_WIFI");
    size_t size = strlen(name);
    joined = known && !strncmp(known, name, size) && known[size] == '=' &&
             !strcmp(known + size + 1, password);
  }
  void disconnect() { joined = false; }
  int status() { return joined ? WL_CONNECTED : WL_IDLE_STATUS; }

 private:
  bool joined = false;
};

inline Wifi WiFi;
class WiFiClient {};

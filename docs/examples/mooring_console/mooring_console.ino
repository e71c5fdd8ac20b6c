// A board that gets its network and its ThingsBoard device over the serial port, from Mooring.
// Upload it, then: mooring provision BOARD --cloud thingsboard --ssid NAME
// Without a Wi-Fi library that is named here it keeps the settings and connects to nothing.

#include "MooringConsole.h"

#if defined(ESP32)
#include <WiFi.h>
#define HAS_WIFI
#elif defined(ARDUINO_UNOR4_WIFI)
#include <WiFiS3.h>
#define HAS_WIFI
#endif

// This sketch connects with a token over MQTT that is not encrypted. One that can do more adds the
// keys for it: tb_tls, tb_ca, tb_client, tb_user, tb_pass!, tb_cert, tb_key!.
MooringConsole console(Serial, "wifi_ssid wifi_pass! tb_host tb_port tb_name tb_token!");

#ifdef HAS_WIFI
#include <PubSubClient.h>

const unsigned long JOIN_LIMIT_MS = 20000;
const unsigned long PAUSE_MS = 5000;

WiFiClient network;
PubSubClient cloud(network);
enum { FRESH, JOINING, PAUSING } phase = FRESH;
unsigned long since = 0;  // when the phase began

void enter(decltype(phase) next) {
  phase = next;
  since = millis();
}

void fail(const char *state, const char *why) {
  console.report(state, why);
  enter(PAUSING);
}

void connectAnew() {
  cloud.disconnect();
  WiFi.disconnect();
  enter(FRESH);
}

void join() {
  console.report("connecting");
  const char *password = console.get("wifi_pass");
  if (*password) WiFi.begin(console.get("wifi_ssid"), password);
  else WiFi.begin(console.get("wifi_ssid"));
  enter(JOINING);
}

void stayConnected() {
  if (!*console.get("wifi_ssid") || !*console.get("tb_host")) return console.report("idle");
  if (cloud.loop()) return console.report("connected");
  if (phase == PAUSING) {
    if (millis() - since < PAUSE_MS) return;
    enter(FRESH);
  }
  if (WiFi.status() != WL_CONNECTED) {
    if (phase == FRESH) join();
    else if (millis() - since > JOIN_LIMIT_MS) fail("network-failed", "Wi-Fi was not joined.");
    return;
  }
  cloud.setServer(console.get("tb_host"), atoi(console.get("tb_port")));
  if (cloud.connect(console.get("tb_name"), console.get("tb_token"), "")) {
    return console.report("connected");
  }
  if (cloud.state() == 4 || cloud.state() == 5) fail("refused", "");
  else fail("network-failed", "The server was not reached.");
}
#else
void connectAnew() {}
void stayConnected() { console.report("idle"); }
#endif

void setup() {
  Serial.begin(115200);
#ifdef HAS_WIFI
  cloud.setSocketTimeout(4);  // seconds; nobody can talk to the board while it waits
#endif
#ifdef ESP32
  static char id[13];  // the address of the chip, its first byte first
  uint64_t address = ESP.getEfuseMac();
  for (int i = 0; i < 6; i++) snprintf(id + 2 * i, 3, "%02x", unsigned(address >> 8 * i & 255));
  console.id = id;
  console.family = "esp32";
#endif
  console.begin();
}

void loop() {
  if (console.poll()) connectAnew();
  if (!console.busy()) stayConnected();
}

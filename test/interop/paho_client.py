"""An MQTT client on Eclipse Paho, told what to do on standard input; each thing that happens is a line of JSON."""

import json
import sys

import paho.mqtt.client as mqtt

task = json.loads(sys.stdin.readline())


def tell(**event):
    print(json.dumps(event), flush=True)


def on_connect(client, _userdata, _flags, rc):
    tell(event="connect", code=rc)
    if rc != 0:
        client.disconnect()
        return
    for topic in task.get("subscribe", []):
        client.subscribe(topic, qos=1)
    for message in task.get("publish", []):
        client.publish(message["topic"], message["payload"], qos=1, retain=message.get("retain", False))


def on_subscribe(_client, _userdata, _mid, granted):
    tell(event="subscribe", granted=list(granted))


def on_publish(_client, _userdata, _mid):
    tell(event="publish")


def on_message(_client, _userdata, message):
    tell(event="message", topic=message.topic, payload=message.payload.hex(), retain=bool(message.retain))


def on_disconnect(client, _userdata, rc):
    tell(event="disconnect", code=rc)
    # A token works once, so it would be no use to come again.
    client.disconnect()
    sys.exit(0)


options = {"client_id": task["id"], "clean_session": True, "protocol": mqtt.MQTTv311}
if hasattr(mqtt, "CallbackAPIVersion"):
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION1, **options)
else:
    client = mqtt.Client(**options)
client.username_pw_set(task["credential"], task["token"])
client.on_connect = on_connect
client.on_subscribe = on_subscribe
client.on_publish = on_publish
client.on_message = on_message
client.on_disconnect = on_disconnect
client.connect("127.0.0.1", task["port"], keepalive=60)
client.loop_forever()

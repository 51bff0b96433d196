"""A device in MicroPython: what it has kept in its flash reaches the platform, whatever dies.

    DEVICE_PASSWORD=… micropython device.py HOST PORT DEVICE STATE_FOLDER [RESEND_S] < measurements

For boards, the Unix port and CPython, with no library. On a board, ``main.py`` uses it so::

    device = Device("10.0.0.5", 1883, "pump-7", "secret", "/buffer", print)
    while True:
        if time_to_measure():
            device.keep('{"ts":%d,"m":{"temp":%.1f}}' % (now_ms(), temperature()))
        device.step(200)  # waits up to 200 ms for the network

The buffer is a few append-only files, which is what flash file systems are good at. A file goes
when the platform's ``ack`` covers all its messages; PUBACK may mean "in a broker's memory". A full
buffer takes nothing new: an old message dropped would leave a hole, and ``ack`` would stop at it.
"""

import binascii
import json
import os
import random
import select
import socket
import sys
import time

FILES, PER_FILE, MESSAGE_BYTES = 64, 32, 1024  # at most; two MiB in all
WINDOW, PACKET_BYTES = 16, 4096  # messages sent and not acknowledged; longer is not for us
KEEP_ALIVE_S, LONGEST_PAUSE_MS, LONGEST_RESEND_MS = 30, 60_000, 600_000


def ticks():
    """Milliseconds that only grow."""
    return time.ticks_ms() if hasattr(time, "ticks_ms") else int(time.monotonic() * 1000)


def since(then):
    return time.ticks_diff(ticks(), then) if hasattr(time, "ticks_diff") else ticks() - then


def now_ms():
    """Milliseconds since 1970, also on boards whose clock counts from 2000."""
    return (int(time.time()) + (946_684_800 if time.gmtime(0)[0] == 2000 else 0)) * 1000


class Buffer:
    """Messages that the platform has not acknowledged, in files named ``<boot>.<first seq>``.

    A line is a checksum, a number and a body; a boot grows as a text with every start.
    """

    def __init__(self, folder):
        self._folder, self.seq = folder + "/", 0
        try:
            os.mkdir(folder)
        except OSError:  # it is there; if not, the next line says so
            pass
        self._append("starts", b"*")  # a byte for each start: a count that no power cut can tear
        starts, other = os.stat(self._folder + "starts")[6], binascii.hexlify(os.urandom(3))
        self.boot = f"b{starts:08d}-{other.decode()}"  # another one also when the folder was lost
        self._open = ""  # the file that takes new messages
        self._acked = {}  # the highest number, by boot
        self.files = {}  # the last number in each file
        for name in os.listdir(folder):
            if "." in name:
                with open(self._folder + name, "rb") as file:
                    self.files[name] = max([_parsed(line)[0] for line in file] + [0])
        self.rewind()

    def keep(self, body):
        """Put a message on flash; False when there is no room for it."""
        if not self._open:
            if len(self.files) >= FILES:
                return False
            self._open = f"{self.boot}.{self.seq + 1:08d}"
        data = f"{self.seq + 1} {body}".encode()
        name, self._open = self._open, ""  # if this fails, a line is torn: nothing goes behind it
        self._append(name, b"%08x %s\n" % (binascii.crc32(data), data))
        self.seq += 1
        self.files[name] = self.seq
        self._open = "" if self.seq % PER_FILE == 0 else name
        return True

    def next(self):
        """The next message to send: boot, seq (0 when there is none), body."""
        for name in sorted(self.files):
            if name > self._name:
                self._name, self._offset = name, 0
            while name == self._name:
                with open(self._folder + name, "rb") as file:
                    file.seek(self._offset)
                    line = file.readline()
                if line[-1:] != b"\n":
                    break
                self._offset += len(line)
                seq, body = _parsed(line)
                boot = name.split(".")[0]
                if seq > self._acked.get(boot, 0):
                    return boot, seq, body
        return "", 0, ""

    def rewind(self):
        """Begin again with the oldest message."""
        self._name, self._offset = "", 0

    def free(self, boot, seq):
        """Forget the messages of ``boot`` up to number ``seq``."""
        self._acked[boot] = max(seq, self._acked.get(boot, 0))
        for name in [n for n in self.files if n.split(".")[0] == boot]:
            if self.files[name] <= seq:
                self._open = "" if name == self._open else self._open
                os.remove(self._folder + name)
                del self.files[name]

    def _append(self, name, data):
        with open(self._folder + name, "ab") as file:
            file.write(data)
            file.flush()  # in MicroPython this goes down to the flash
            if hasattr(os, "fsync"):
                os.fsync(file.fileno())


def _parsed(line):
    """Number and body of a line; 0 where a power cut has torn it."""
    if line[:9] != b"%08x " % binascii.crc32(line[9:-1]):
        return 0, ""
    seq, body = line[9:-1].decode().split(" ", 1)
    return int(seq), body


class Device:
    """Sends what is in the buffer and hears what comes back, a bit with every :meth:`step`.

    ``commands`` do what the platform asks and give a text back, or raise; ``say`` gets the news.
    """

    def __init__(self, host, port, device, password, folder, say, commands=None, resend_s=20):
        self._address, self._root = (host, port), f"purna/v1/{device}/"
        self._device, self._password = device, password
        self._say, self._commands, self._last_result = say, commands or {}, {"id": ""}
        self.buffer = Buffer(folder)
        self._first_resend = self._resend = resend_s * 1000
        self._pause, self._paused, self._moved = 0, ticks(), ticks()
        self._socket, self._ready, self._flying, self._packet = None, False, [], 0

    def keep(self, body):
        """Put a telemetry message on flash, to be sent in its turn; False: there is no room."""
        if body[:1] != "{" or len(body) > MESSAGE_BYTES or not self.buffer.keep(body):
            return False
        self._say(f"kept {self.buffer.boot} {self.buffer.seq}")
        return True

    def step(self, wait_ms):
        """Do what is due, and wait for the network up to ``wait_ms``."""
        try:
            if self._socket is None:
                if since(self._paused) < self._pause:
                    return time.sleep(wait_ms / 1000)
                self._call()
            if self._poll.poll(wait_ms):
                self._receive()
            self._send_due()
        except OSError as error:
            self._say(f"no connection: {error}")
            if self._socket is not None:
                self._socket.close()
            self._socket, self._ready = None, False
            # Devices that lose a platform together must not come back together.
            self._paused, longest = ticks(), max(1000, min(self._pause * 4, LONGEST_PAUSE_MS))
            self._pause = random.randrange(longest // 2, longest)

    def _call(self):
        found = socket.getaddrinfo(self._address[0], self._address[1], 0, socket.SOCK_STREAM)[0]
        self._socket, self._poll = socket.socket(found[0], socket.SOCK_STREAM), select.poll()
        self._socket.settimeout(10)
        self._socket.connect(found[-1])
        self._poll.register(self._socket, select.POLLIN)
        self._input, self._skip, self._heard = b"", 0, ticks()
        start = _text("MQTT") + b"\x04\xec"  # with a will and a name; keep the session
        will = _text(self._root + "status") + _text('{"online":false}')
        account = _text(self._device) + _text(self._password)
        self._send(0x10, start, bytes([0, KEEP_ALIVE_S]), _text(self._device), will, account)

    def _send_due(self):
        if since(self._spoke) > KEEP_ALIVE_S * 500:
            self._send(0xC0)  # a ping
        if since(self._heard) > KEEP_ALIVE_S * 1500:
            raise OSError("silence")
        if self._flying and since(self._moved) > self._resend:
            self._say("resend")  # ever more rarely
            self._moved, self._resend = ticks(), min(self._resend * 2, LONGEST_RESEND_MS)
            self._flying = []
            self.buffer.rewind()
        while self._ready and len(self._flying) < WINDOW:
            boot, seq, body = self.buffer.next()
            if not seq:
                break
            self._flying.append((boot, seq))
            self._publish("telemetry", f'{{"boot":"{boot}","seq":{seq},{body[1:]}')

    def _receive(self):
        data = self._socket.recv(1024)
        if not data:
            raise OSError("closed")
        self._heard, self._input = ticks(), self._input + data
        while True:
            gone = min(self._skip, len(self._input))
            self._input, self._skip = self._input[gone:], self._skip - gone
            sizes = self._input[1:5]
            digits = 1 + sum(all(b > 127 for b in sizes[: n + 1]) for n in range(len(sizes)))
            length = sum((b & 127) << 7 * n for n, b in enumerate(sizes[:digits]))
            end = 1 + digits + length
            if len(sizes) < digits or len(self._input) < end < PACKET_BYTES:
                return
            if end < PACKET_BYTES:
                self._take(self._input[0], self._input[1 + digits : end])
            self._skip = end

    def _take(self, kind, body):
        if kind == 0x20:
            if body[1]:
                raise OSError(f"refused: {body[1]}")
            self._pause, self._ready, self._flying, self._moved = 0, True, [], ticks()
            self.buffer.rewind()
            topics = [_text(self._root + n) + b"\x01" for n in ("ack", "reject", "command")]
            self._send(0x82, b"\xff\xff", *topics)
            self._publish("status", {"online": True, "boot": self.buffer.boot, "fw": "1.0"}, 1)
            self._say("connected")
        elif kind >> 4 == 3:
            end = 2 + int.from_bytes(body[:2], "big")
            if kind & 6:
                self._send(0x40, body[end : end + 2])
            name = body[2:end].decode().split("/", 3)[3]
            try:
                self._hear(name, dict(json.loads(body[end + (2 if kind & 6 else 0) :])))
            except (ValueError, TypeError):
                self._say(f"not understood: {name}")

    def _hear(self, name, said):
        if name == "ack":
            boot, seq = said.get("boot"), int(said.get("seq", 0))
            self.buffer.free(boot, seq)
            left = [f for f in self._flying if f[0] != boot or f[1] > seq]
            if len(left) < len(self._flying):
                self._flying, self._moved, self._resend = left, ticks(), self._first_resend
                self._say(f"freed {boot} {seq}")
        elif name == "reject":  # ack goes on over it, but somebody should read this
            self._say(f"reject {said.get('code')} {said.get('hint')}")
        elif name == "command":
            key, do = said.get("id"), self._commands.get(said.get("name"))
            if key != self._last_result["id"]:  # one that comes again is answered again, not done
                self._say(f"command {key} {said.get('name')}")
                try:
                    state, text = ("ok", do(said.get("args"))) if do else ("failed", "unknown")
                except Exception as error:
                    state, text = "failed", str(error)
                self._last_result = {"id": key, "state": state, "text": text}
            self._publish("command/result", self._last_result)

    def _publish(self, kind, what, flags=0):
        payload = what if isinstance(what, str) else json.dumps(what)
        self._packet = self._packet % 60000 + 1
        number = self._packet.to_bytes(2, "big")
        self._send(0x32 | flags, _text(self._root + kind), number, payload.encode())

    def _send(self, kind, *parts):
        body = b"".join(parts)
        header, size = bytes([kind]), len(body)
        while size > 127:
            header, size = header + bytes([size & 127 | 128]), size >> 7
        self._socket.sendall(header + bytes([size]) + body)
        self._spoke = ticks()


def _text(value):
    data = value.encode()
    return len(data).to_bytes(2, "big") + data


def main():
    host, port, name, folder = sys.argv[1:5]
    resend_s = int(sys.argv[5]) if len(sys.argv) > 5 else 20
    password, commands = os.getenv("DEVICE_PASSWORD"), {"ping": lambda _args: "pong"}
    device = Device(host, int(port), name, password, folder, print, commands, resend_s)
    source = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)  # poll sees no other buffer
    poll, line = select.poll(), b"*"
    poll.register(source, select.POLLIN)
    while line or device.buffer.files:
        while line and poll.poll(0):
            line = source.readline()
            while line and not device.keep(line.decode().strip()):
                device.step(50)  # no room: these measurements wait, a sensor's could not
        device.step(50)


if __name__ == "__main__":
    main()

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.concurrent.CountDownLatch;
import org.java_websocket.WebSocket;
import org.java_websocket.enums.Opcode;
import org.java_websocket.framing.Framedata;
import org.java_websocket.framing.PingFrame;
import org.json.JSONObject;

/** What is told and obeyed, in either role. */
final class Conversation {
  private static final HexFormat HEX = HexFormat.of();
  private final int fragment;

  /** Commands are for the newest connection, and wait for the first. */
  private volatile WebSocket newest;

  private final CountDownLatch connected = new CountDownLatch(1);

  Conversation(int fragment) {
    this.fragment = fragment;
  }

  synchronized void say(String what, Object value) {
    byte[] line = (new JSONObject().put(what, value) + "\n").getBytes(StandardCharsets.UTF_8);
    System.out.write(line, 0, line.length);
    System.out.flush();
  }

  void open(WebSocket socket) {
    newest = socket;
    connected.countDown();
    say("connected", true);
  }

  void text(String text) {
    say("message", new JSONObject().put("text", text));
  }

  void binary(ByteBuffer bytes) {
    say("message", new JSONObject().put("binary", hex(bytes)));
  }

  void control(String what, Framedata frame) {
    say(what, hex(frame.getPayloadData()));
  }

  void closed(int code, String reason) {
    say("closed", new JSONObject().put("code", code).put("reason", reason));
  }

  void obey(JSONObject command) throws InterruptedException {
    connected.await();
    WebSocket socket = newest;
    JSONObject send = command.optJSONObject("send");
    JSONObject close = command.optJSONObject("close");
    if (send != null && send.has("text")) {
      send(socket, send.getString("text"));
    } else if (send != null) {
      send(socket, bytes(send.getString("binary")));
    } else if (close != null) {
      socket.close(close.getInt("code"), close.getString("reason"));
    } else {
      PingFrame ping = new PingFrame();
      ping.setPayload(bytes(command.getString("ping")));
      socket.sendFrame(ping);
    }
  }

  void send(WebSocket socket, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= fragment) {
      socket.send(text);
    } else {
      send(socket, Opcode.TEXT, ByteBuffer.wrap(bytes));
    }
  }

  void send(WebSocket socket, ByteBuffer bytes) {
    if (bytes.remaining() <= fragment) {
      socket.send(bytes);
    } else {
      send(socket, Opcode.BINARY, bytes);
    }
  }

  /** Cut anywhere, in the middle of a character too: RFC 6455, section 5.6, allows it. */
  private void send(WebSocket socket, Opcode kind, ByteBuffer bytes) {
    while (bytes.hasRemaining()) {
      int length = Math.min(fragment, bytes.remaining());
      ByteBuffer frame = bytes.slice(bytes.position(), length);
      bytes.position(bytes.position() + length);
      socket.sendFragmentedFrame(kind, frame, !bytes.hasRemaining());
    }
  }

  private static ByteBuffer bytes(String digits) {
    return ByteBuffer.wrap(HEX.parseHex(digits));
  }

  private static String hex(ByteBuffer bytes) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    return HEX.formatHex(copy);
  }
}

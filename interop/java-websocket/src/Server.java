import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import org.java_websocket.WebSocket;
import org.java_websocket.framing.Framedata;
import org.java_websocket.handshake.ClientHandshake;
import org.java_websocket.server.WebSocketServer;

/** Says every message back. */
final class Server extends WebSocketServer {
  private final Conversation conversation;

  Server(InetSocketAddress address, Conversation conversation) {
    super(address);
    this.conversation = conversation;
  }

  @Override
  public void onStart() {
    String host = getAddress().getAddress().getHostAddress();
    conversation.say("listening", host + ":" + getPort());
  }

  @Override
  public void onOpen(WebSocket socket, ClientHandshake handshake) {
    conversation.open(socket);
  }

  @Override
  public void onMessage(WebSocket socket, String text) {
    conversation.text(text);
    conversation.send(socket, text);
  }

  @Override
  public void onMessage(WebSocket socket, ByteBuffer bytes) {
    conversation.binary(bytes);
    conversation.send(socket, bytes);
  }

  @Override
  public void onWebsocketPing(WebSocket socket, Framedata frame) {
    conversation.control("ping", frame);
    super.onWebsocketPing(socket, frame);
  }

  @Override
  public void onWebsocketPong(WebSocket socket, Framedata frame) {
    conversation.control("pong", frame);
    super.onWebsocketPong(socket, frame);
  }

  @Override
  public void onClose(WebSocket socket, int code, String reason, boolean remote) {
    conversation.closed(code, reason);
  }

  @Override
  public void onError(WebSocket socket, Exception error) {
    // Without a socket it is the server's, which then cannot go on; else onClose tells.
    if (socket == null) {
      error.printStackTrace();
      System.exit(1);
    }
  }
}

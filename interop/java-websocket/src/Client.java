import java.net.URI;
import java.nio.ByteBuffer;
import org.java_websocket.WebSocket;
import org.java_websocket.client.WebSocketClient;
import org.java_websocket.framing.Framedata;
import org.java_websocket.handshake.ServerHandshake;

/** Dials once. */
final class Client extends WebSocketClient {
  private final Conversation conversation;
  private boolean opened;

  Client(URI url, Conversation conversation) {
    super(url);
    this.conversation = conversation;
  }

  @Override
  public void onOpen(ServerHandshake handshake) {
    opened = true;
    conversation.open(getConnection());
  }

  @Override
  public void onMessage(String text) {
    conversation.text(text);
  }

  @Override
  public void onMessage(ByteBuffer bytes) {
    conversation.binary(bytes);
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
  public void onClose(int code, String reason, boolean remote) {
    if (opened) {
      conversation.closed(code, reason);
    } else {
      conversation.say("failed", code + " " + reason);
    }
  }

  @Override
  public void onError(Exception error) {
    // What went wrong is told by the close behind it.
  }
}

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import org.java_websocket.AbstractWebSocket;
import org.java_websocket.WebSocketServerFactory;
import org.java_websocket.server.DefaultSSLWebSocketServerFactory;
import org.java_websocket.server.SSLParametersWebSocketServerFactory;
import org.java_websocket.server.WebSocketServer;
import org.json.JSONObject;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/** Java-WebSocket as a peer: ../../README.md says what a peer does. */
public final class Main {
  public static void main(String[] words) throws Exception {
    // A Ctrl-C is for whoever started us: then our stdin ends, and so do we.
    Signal.handle(new Signal("INT"), SignalHandler.SIG_IGN);
    String role = words[0];
    if (role.equals("version")) {
      System.out.println(version());
      return;
    }
    String address = words[1];
    Map<String, String> options = new HashMap<>();
    for (int at = 2; at + 1 < words.length; at += 2) {
      options.put(words[at], words[at + 1]);
    }
    Conversation conversation = new Conversation(number(options, "--fragment", Integer.MAX_VALUE));
    if (role.equals("server")) {
      serve(address, options, conversation);
    } else {
      dial(address, options, conversation);
    }
    obey(conversation);
    System.exit(0);
  }

  private static void serve(String address, Map<String, String> options, Conversation conversation)
      throws Exception {
    String[] parts = address.split(":");
    WebSocketServer server =
        new Server(new InetSocketAddress(parts[0], Integer.parseInt(parts[1])), conversation);
    if (options.containsKey("--cert")) {
      server.setWebSocketFactory(tls(Pem.context(options), options.containsKey("--ca")));
    }
    server.setReuseAddr(true);
    beat(server, options);
    server.start();
  }

  /** Who trusts somebody asks clients who they are, and lets nobody else in. */
  private static WebSocketServerFactory tls(SSLContext context, boolean asks) {
    if (!asks) {
      return new DefaultSSLWebSocketServerFactory(context);
    }
    SSLParameters parameters = context.getDefaultSSLParameters();
    parameters.setNeedClientAuth(true);
    return new SSLParametersWebSocketServerFactory(context, parameters);
  }

  private static void dial(String url, Map<String, String> options, Conversation conversation)
      throws Exception {
    Client client = new Client(new URI(url), conversation);
    if (options.containsKey("--ca")) {
      client.setSocketFactory(Pem.context(options).getSocketFactory());
    }
    beat(client, options);
    client.connect();
  }

  /**
   * One whole number of seconds is both: how often it pings, and two thirds of how long it goes
   * without a Pong. Never told, it would be 60.
   */
  private static void beat(AbstractWebSocket socket, Map<String, String> options) {
    int longest = Math.max(number(options, "--beat", 0), number(options, "--timeout", 0));
    socket.setConnectionLostTimeout((longest + 999) / 1000);
  }

  private static void obey(Conversation conversation)
      throws IOException, InterruptedException {
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      conversation.obey(new JSONObject(line));
    }
  }

  private static int number(Map<String, String> options, String name, int otherwise) {
    return options.containsKey(name) ? Integer.parseInt(options.get(name)) : otherwise;
  }

  /** The library does not know its version; the name of its file does. */
  private static String version() {
    String jar =
        WebSocketServer.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    return jar.replaceAll(".*-([0-9.]+)\\.jar$", "$1");
  }
}

# faye-websocket as a peer: ../README.md says what a peer does.

require 'faye/websocket'
require 'json'
require 'openssl'
require 'optparse'

# Tells of each Ping and Pong that comes in: the library shows neither to its user.
module Watched
  NAMES = { 9 => :ping, 10 => :pong }.freeze

  def emit_frame(buffer)
    if (name = NAMES[@frame.opcode])
      say(name, WebSocket::Mask.mask(buffer, @frame.masking_key).unpack1('H*'))
    end
    super
  end
end
WebSocket::Driver::Hybi.prepend(Watched)

def say(what, value)
  $stdout.write("#{JSON.generate(what => value)}\n")
end

def milliseconds(given)
  given && given.to_i / 1000.0
end

# All that it has for a heartbeat: a Ping every so often, and nobody looks for its answer.
def settings
  { ping: milliseconds(OPTIONS[:beat]) }.compact
end

def converse(socket, echo)
  connected = failed = false
  # Of what goes wrong on its way in it tells once or twice, and of some of it by the end alone.
  fail = lambda do |words|
    say(:failed, words) unless failed
    failed = true
  end
  socket.on(:open) do
    # Commands are for the newest connection, and wait for the first.
    $newest, connected = socket, true
    CONNECTED.close
    say(:connected, true)
  end
  socket.on(:message) do |event|
    data = event.data
    say(:message, data.is_a?(String) ? { text: data } : { binary: data.pack('C*').unpack1('H*') })
    socket.send(data) if echo
  end
  socket.on(:error) { |event| fail.call(event.message) unless connected }
  socket.on(:close) do |event|
    connected ? say(:closed, code: event.code, reason: event.reason) : fail.call("closed #{event.code}")
  end
end

APP = lambda do |env|
  next [404, {}, []] unless Faye::WebSocket.websocket?(env)

  socket = Faye::WebSocket.new(env, nil, settings)
  converse(socket, true)
  socket.rack_response
end

def puma(host, port)
  require 'puma'
  require 'puma/server'
  server = Puma::Server.new(APP, Puma::Events.null)
  address = server.add_tcp_listener(host, port).local_address
  server.run
  say(:listening, "#{address.ip_address}:#{address.ip_port}")
end

# What is shown: a server's always, a client's if asked.
def shown
  { cert_chain_file: OPTIONS[:cert], private_key_file: OPTIONS[:key] }.compact
end

# Thin asks for a certificate and takes any: whom it leads to is for its user to look at.
def asks(options, root)
  options.update(verify_peer: true, fail_if_no_peer_cert: true)
  trusted = OpenSSL::X509::Store.new
  trusted.add_file(root)
  looks = Module.new do
    define_method(:ssl_verify_peer) { |pem| trusted.verify(OpenSSL::X509::Certificate.new(pem)) }
  end
  Thin::Connection.prepend(looks)
end

def thin(host, port)
  Faye::WebSocket.load_adapter('thin')
  Thin::Logging.silent = true
  server = Thin::Server.new(host, port, APP, signals: false)
  if OPTIONS[:cert]
    server.ssl = true
    options = shown
    asks(options, OPTIONS[:ca]) if OPTIONS[:ca]
    server.ssl_options = options
  end
  Faye::WebSocket.ensure_reactor_running
  EventMachine.schedule do
    server.start
    say(:listening, "#{server.backend.host}:#{server.backend.port}")
  end
end

def client(url)
  tls = { root_cert_file: OPTIONS[:ca], **shown }.compact
  Faye::WebSocket.ensure_reactor_running
  EventMachine.schedule { converse(Faye::WebSocket::Client.new(url, nil, tls: tls, **settings), false) }
end

def obey(command, value)
  case command
  when 'send'
    text = value['text']
    $newest.send(text || [value['binary']].pack('H*').bytes)
  when 'ping' then $newest.ping([value].pack('H*'))
  when 'close' then $newest.close(value['code'], value['reason'])
  end
end

CONNECTED = Queue.new
OPTIONS = {}
parser = OptionParser.new
%w[on beat timeout fragment cert key ca].each { |option| parser.on("--#{option} VALUE") }
role, address = parser.parse(ARGV, into: OPTIONS)

# A Ctrl-C is for whoever started us: then our stdin ends, and so do we.
trap('INT', 'IGNORE')
$stdout.sync = true
if role == 'server'
  host, port = address.split(':')
  { 'puma' => method(:puma), 'thin' => method(:thin) }.fetch(OPTIONS[:on]).call(host, port.to_i)
else
  client(address)
end
$stdin.each_line do |line|
  command, value = JSON.parse(line).first
  CONNECTED.pop
  EventMachine.schedule { obey(command, value) }
end
exit!(true)

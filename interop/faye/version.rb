# The versions of faye-websocket and of what it runs on, as the packages unpacked there say.

folder, *servers = ARGV
version = lambda do |name|
  found = Dir.glob("#{folder}/usr/{share,lib/*}/rubygems-integration/*/specifications/#{name}-*.gemspec")
  File.basename(found.first, '.gemspec').delete_prefix("#{name}-")
end
puts [version['faye-websocket'], *servers.map { |server| "on #{server} #{version[server]}" }].join(' ')

# Runs one script of Logstash's ruby filter: an event as JSON a line in, its events as JSON out.
require "json"

# The part of Logstash's event API that scripts use.
class Event
  attr_reader :data

  def initialize(data)
    @data = data
    @cancelled = false
  end

  def path(reference)
    parts = reference.scan(/\[([^\[\]]+)\]/).flatten
    parts.empty? ? [reference] : parts
  end

  def get(reference)
    path(reference).reduce(@data) { |at, key| at.is_a?(Hash) ? at[key] : nil }
  end

  def set(reference, value)
    *parents, last = path(reference)
    at = parents.reduce(@data) { |hash, key| hash[key].is_a?(Hash) ? hash[key] : hash[key] = {} }
    at[last] = value
  end

  def remove(reference)
    *parents, last = path(reference)
    at = parents.reduce(@data) { |hash, key| hash.is_a?(Hash) ? hash[key] : nil }
    at.is_a?(Hash) ? at.delete(last) : nil
  end

  def include?(reference)
    !get(reference).nil?
  end

  def tag(name)
    @data["tags"] = [*@data["tags"], name].uniq
  end

  def cancel
    @cancelled = true
  end

  def cancelled?
    @cancelled
  end
end

eval(ARGV.fetch(0), binding, ARGV.fetch(1))
register({}) if respond_to?(:register, true)
$stdout.sync = true
$stdin.each_line do |line|
  event = Event.new(JSON.parse(line))
  begin
    events = filter(event)
  rescue StandardError => error
    warn "[ERROR][logstash.filters.ruby] Could not process event: #{error.message}"
    event.tag("_rubyexception")
    events = [event]
  end
  puts JSON.generate(events.reject(&:cancelled?).map(&:data))
end

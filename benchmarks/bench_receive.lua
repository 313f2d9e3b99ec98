-- wrk -s bench_receive.lua URL -- BODY RUN: posts the file BODY again and again, INSTANCE in it being a new id each time.
-- Prints one line that bench_receive.py reads.
local number = 0

function setup(thread)
  thread:set("number", number)
  number = number + 1
end

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local body = file:read("*a")
  file:close()
  local at = assert(body:find("INSTANCE", 1, true))
  head, tail = body:sub(1, at - 1), body:sub(at + 8)
  -- As scattered as a phone's, so that they cost the database's indexes what those of phones do.
  math.randomseed(tonumber(args[2]) * 1000 + number)
  headers = {
    ["Content-Type"] = "multipart/form-data; boundary=bnd",
    ["User-Agent"] = "org.odk.collect.android/v2026.1 bench",
    ["X-OpenRosa-Version"] = "1.0",
  }
end

function request()
  local random = math.random
  local instance = string.format("uuid:%08x-%04x-4%03x-8%03x-%06x%06x", random(0, 0xffffffff), random(0, 0xffff),
    random(0, 0xfff), random(0, 0xfff), random(0, 0xffffff), random(0, 0xffffff))
  return wrk.format("POST", nil, headers, head .. instance .. tail)
end

function done(summary, latency, requests)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("wrk %d %f %f %f %f %d %d\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status, failed))
end

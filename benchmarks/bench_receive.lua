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
  prefix, count = string.format("uuid:%s-%d-", args[2], number), 0
  headers = {
    ["Content-Type"] = "multipart/form-data; boundary=bnd",
    ["User-Agent"] = "org.odk.collect.android/v2026.1 bench",
    ["X-OpenRosa-Version"] = "1.0",
  }
end

function request()
  count = count + 1
  return wrk.format("POST", nil, headers, head .. prefix .. string.format("%010d", count) .. tail)
end

function done(summary, latency, requests)
  local failed = summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout
  io.write(string.format("wrk %d %f %f %f %f %d %d\n", summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(95) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status, failed))
end

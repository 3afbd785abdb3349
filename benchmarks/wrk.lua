-- POST one body again and again. BENCH_BODY: its file; BENCH_TOKENS: a file of tokens, one a line, each used once;
-- BENCH_DELAY_MS: how long a connection rests between two calls, on average.
local file = io.open(os.getenv("BENCH_BODY"), "rb")
wrk.method, wrk.body = "POST", file:read("*a")
file:close()
wrk.headers["Content-Type"] = "application/json"

local tokens = os.getenv("BENCH_TOKENS")
if tokens then
  local next_token = io.lines(tokens)
  request = function()
    local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. (next_token() or "") }
    return wrk.format("POST", nil, headers, wrk.body)
  end
end

local rest = tonumber(os.getenv("BENCH_DELAY_MS") or "0")
if rest > 0 then
  delay = function() return math.floor(-math.log(1 - math.random()) * rest) end
end

done = function(summary, latency, _)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("RESULT %d %d %d %d %d\n", summary.requests, failed, summary.duration,
    latency:percentile(50), latency:percentile(99)))
end

-- What wrk measured, as one line of JSON: its own page has no p99.9.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "bytes": %d, "elapsed_s": %.6f, "p50_us": %d, "p99_us": %d, "p99_9_us": %d, "errors": %d}\n',
    summary.requests, summary.bytes, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    latency:percentile(99.9), errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end

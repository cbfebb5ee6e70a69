millrace_bench(wire ROOMS wire)

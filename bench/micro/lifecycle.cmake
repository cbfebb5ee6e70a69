millrace_bench(lifecycle ROOMS shard)

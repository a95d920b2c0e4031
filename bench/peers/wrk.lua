-- Copyright the jobmode authors. Distributed under the Boost Software License, Version 1.0.
-- What wrk sends; it parses no answer, and is the floor.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"SysUser":"system","SysPwd":"system1","LoginName":"obm","BackupDate":"2024-06-26"}'
done = function(summary, latency, requests)
    local errors = summary.errors
    if errors.connect + errors.read + errors.write + errors.status + errors.timeout > 0 then
        io.stderr:write("wrk: some requests failed\n")
    end
    io.write(string.format('{"queries":%d,"records":0,"seconds":%.3f}\n', summary.requests, summary.duration / 1e6))
end

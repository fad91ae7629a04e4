-- Tells how far mpv came and why it stopped; its exit status alone says little.
local last, frames = 0, 0
mp.observe_property("time-pos", "number", function(_, value) last = math.max(last, value or 0) end)
mp.observe_property("estimated-frame-number", "number", function(_, value) frames = math.max(frames, value or 0) end)
mp.register_event("end-file", function(event)
  io.write(string.format('{"reason":"%s","time_s":%.3f,"frames":%d}\n', event.reason, last, frames))
end)

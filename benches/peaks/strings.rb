# Strings of 10 to 210 bytes, of which one in twenty stays for a while.
srand(1)
kept = []
3_000_000.times do |i|
  pair = [i, "x" * (10 + rand(200))]
  next unless (i % 20).zero?

  kept << pair
  kept.shift if kept.size > 150_000
end
puts kept.size

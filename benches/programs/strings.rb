# Strings, hashes of arrays, sorting, splitting and joining.
words = Hash.new { |hash, key| hash[key] = [] }
(1..6).each do |round|
  (1..50_000).each do |number|
    words["word#{number * 7919 % 10_007}"] << "#{round}:#{number}" + 'x' * (number % 50)
  end
  text = words.values.map { |all| all.join(',') }.sort.join("\n")
  words.clear if round.even?
  puts "#{round} #{text.scan(/x{20,}/).size} #{text.split(',').size}"
end

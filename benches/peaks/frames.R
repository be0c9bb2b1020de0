# Data frames: vectors of a few MiB that are copied and sorted, and many small strings.
set.seed(1)
data <- data.frame(a = sample(1e5, 4e5, TRUE), b = rnorm(4e5), c = as.character(sample(1e4, 4e5, TRUE)))
means <- aggregate(b ~ c, data, mean)
sorted <- data[order(data$b), ]
model <- lm(b ~ a, data = data)
parts <- split(data$b, data$c)
pairs <- lapply(1:20000, function(i) list(i, as.character(i)))
cat(nrow(means), nrow(sorted), length(model$coefficients), length(parts), length(pairs), "\n")

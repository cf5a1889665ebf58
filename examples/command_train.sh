#!/bin/sh
# A training script in sh and awk: fits a polynomial to a sine by gradient descent. Any language will do.
#
#   ranknosh search examples/command_train_sh.yaml
#
# usage: command_train.sh CONFIG FROM TO FOLDER; the last line that it prints holds the metrics.
set -eu
option() { sed -n "s/^ *\"$2\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}\$/\1/p" "$1" | head -n 1; }
degree=$(option "$1" degree)
rate=$(option "$1" rate)
momentum=$(option "$1" momentum)
touch "$4/weights"
awk -v degree="$degree" -v rate="$rate" -v momentum="$momentum" -v first="$2" -v last="$3" -v kept="$4/weights" '
function value(x,   i, y) { y = 0; for (i = degree; i >= 0; i--) y = y * x + w[i]; return y }
BEGIN {
    for (i = 0; i <= degree; i++) w[i] = v[i] = 0
    while ((getline line < kept) > 0) { split(line, part, " "); w[part[1]] = part[2]; v[part[1]] = part[3] }
    close(kept)
    for (step = first * 50; step < last * 50; step++) {
        for (i = 0; i <= degree; i++) slope[i] = 0
        for (k = 0; k < 40; k++) {
            x = k / 20 - 1
            error = value(x) - sin(3 * x)
            power = 1
            for (i = 0; i <= degree; i++) { slope[i] += error * power / 40; power *= x }
        }
        for (i = 0; i <= degree; i++) { v[i] = momentum * v[i] - rate * slope[i]; w[i] += v[i] }
    }
    for (i = 0; i <= degree; i++) printf "%d %.17g %.17g\n", i, w[i], v[i] > kept
    total = 0
    for (k = 0; k < 40; k++) { x = k / 20 - 0.975; total += (value(x) - sin(3 * x)) ^ 2 / 40 }
    printf "{\"mse\": %.9g}\n", total
}'

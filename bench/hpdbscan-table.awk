# The results of bench/hpdbscan-peers.sh as a Markdown table. In: set eps minPts program round seconds kilobytes status verdict inside; round 0 is the
# warm-up, which alone says memory and verdict; inside: seconds by hpdbscan's own clock, which starts after MPI.
function median(list,    v, n, i, j, t) {
    n = split(list, v, " ")
    for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
function cell(k) {
    if (status[k] == 124) return "> " limit
    if (status[k] != 0) return "failed (" status[k] ")"
    return sprintf("%.2f (%d)%s", time[k], kb[k] / 1024, verdict[k] == "invalid" ? " invalid" : verdict[k] == "no labels" ? " no labels" : "")
}
function show(x) { return x ? sprintf("%.2f", x) : "-" }
BEGIN { FS = "\t"; np = split(programs, program, " ") }
{
    row = $1 "\t" $2 "\t" $3
    if (!(row in known)) { known[row] = 1; rows[++nrows] = row }
    k = row "\t" $4
    if ($8 != 0) status[k] = $8
    else if ($5 > 0) { times[k] = times[k] " " $6; if ($10 > 0) inside[k] = inside[k] " " $10 }
    else { kb[k] = $7; verdict[k] = $9; once[k] = $6 }
}
END {
    first = programs ~ /1x1/ ? 2 : 1 # hpdbscan on one rank with two threads is what ratios are of
    mine = program[first]
    head = "| set | eps | minPts |"
    rule = "|---|---|---|"
    for (i = 1; i <= np; i++) { head = head " " program[i] " |"; rule = rule "---|" }
    peers = 0
    for (i = 1; i <= np; i++) peers += program[i] !~ /^hpdbscan-[0-9]x/
    print "Median seconds (peak MB) of whole processes, reading included" (peers ? "; ratio: the fastest valid peer to " mine : "") "\n"
    print head (peers ? " fastest peer | ratio |\n" : "\n") rule (peers ? "---|---|" : "")
    for (r = 1; r <= nrows; r++) {
        split(rows[r], f, "\t")
        line = "| " f[1] " | " f[2] " | " f[3] " |"
        best = 0; who = "-"
        for (i = 1; i <= np; i++) {
            k = rows[r] "\t" program[i]
            if (status[k] == 0) time[k] = times[k] != "" ? median(times[k]) : once[k]
            line = line " " cell(k) " |"
            good = status[k] == 0 && verdict[k] != "invalid" && verdict[k] != "no labels"
            if (program[i] !~ /^hpdbscan-[0-9]x/ && good && (!best || time[k] < best)) { best = time[k]; who = program[i] }
        }
        m = rows[r] "\t" mine
        ours = status[m] == 0 ? time[m] : 0
        if (best && ours) { logs += log(best / ours); n++; if (!worst || best / ours < worst) worst = best / ours }
        print line (peers ? " " who " | " (best && ours ? show(best / ours) : "-") " |" : "")
        for (i = 1; i <= np && ours; i++) { # a peer out of time counts as the limit: at least
            k = rows[r] "\t" program[i]
            t = status[k] == 0 ? time[k] : status[k] == 124 ? limit : 0
            if (t) { each[i] += log(t / ours); count[i]++; if (status[k] == 124) least[i] = "at least " }
        }
    }
    print ""
    if (n) printf "Geometric mean of the ratio to the fastest valid peer: %.2f over %d rows; smallest %.2f.\n", exp(logs / n), n, worst
    for (i = 1; i <= np; i++)
        if (i != first && count[i]) printf "Geometric mean of %s to %s: %s%.2f over %d rows.\n", program[i], mine, least[i], exp(each[i] / count[i]), count[i]
    compare("whole processes under mpirun", times)
    compare("the program's own clock", inside)
}
function compare(by, list,    r, x, f, one, two, logs, n, most, where) { # two ranks of one thread to one rank of two threads
    for (r = 1; r <= nrows; r++) {
        one = list[rows[r] "\thpdbscan-1x2-mpirun"]; two = list[rows[r] "\thpdbscan-2x1"]
        if (one == "" || two == "") continue
        x = median(two) / median(one)
        logs += log(x); n++
        if (x > most) { most = x; split(rows[r], f, "\t"); where = f[1] ", eps " f[2] }
    }
    if (n) printf "Two ranks of one thread to one rank of two threads, by %s: %.2f in the mean, %.2f at most (%s).\n", by, exp(logs / n), most, where
}

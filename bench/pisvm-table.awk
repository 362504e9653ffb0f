# The results of bench/pisvm-peers.sh as Markdown. In: set task program round seconds kilobytes status percent; round `accuracy`: of the trained
# model on the test set. Ratios are to pisvm-1x2; a run out of time counts as the limit, at least.
function median(list,    v, n, i, j, t) {
    n = split(list, v, " ")
    for (i = 2; i <= n; i++) for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) { t = v[j]; v[j] = v[j - 1]; v[j - 1] = t }
    return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}
BEGIN { FS = "\t" }
{
    row = $1 "\t" $2
    if (!(row in known)) { known[row] = 1; rows[++nrows] = row }
    k = row "\t" $3
    if (!(k in member)) { member[k] = 1; of[row] = of[row] " " $3 }
    if ($8 != "") worth[k] = $8
    if ($4 == "accuracy") next
    if ($7 != 0) status[k] = $7
    if ($7 == 0 || $7 == 124) { times[k] = times[k] " " ($7 == 124 ? limit : $5); kb[k] = $6 }
}
END {
    print "Median seconds of whole processes, files included (peak MB of the largest process)\n"
    print "| set | task | program | seconds | MB | accuracy | ratio to pisvm-1x2 |\n|---|---|---|---|---|---|---|"
    for (r = 1; r <= nrows; r++) {
        split(rows[r], f, "\t")
        n = split(of[rows[r]], p, " ")
        mine = rows[r] "\tpisvm-1x2"
        base = times[mine] != "" && !status[mine] ? median(times[mine]) : 0
        for (i = 1; i <= n; i++) {
            k = rows[r] "\t" p[i]
            if (status[k] && status[k] != 124) { printf "| %s | %s | %s | failed (%s) | | | |\n", f[1], f[2], p[i], status[k]; continue }
            t = median(times[k])
            if (p[i] == "pisvm-1x1-mpirun") one = t
            if (p[i] == "pisvm-1x1-twice") most = 2 * one / t
            if (p[i] == "pisvm-2x1") two = two sprintf("%s %s %.2f (%.2f)", two == "" ? "" : ",", f[1], one / t, most)
            least = status[k] == 124 ? "> " : ""
            printf "| %s | %s | %s | %s%.2f | %d | %s | %s |\n", f[1], f[2], p[i], least, t, kb[k] / 1024, worth[k] != "" ? worth[k] : "-", base ? sprintf("%s%.1f", least, t / base) : "-"
        }
    }
    if (two != "") print "\nTwo ranks of one thread are faster than one, both under mpirun, by (in brackets: by how much two\nsuch runs at once, which share nothing, are faster than one after the other):" two "."
}

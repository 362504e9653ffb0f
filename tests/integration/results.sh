#!/bin/bash
# timeout: 200
# psml-results scaling and report, on records of real runs: tables, figures, one page that needs nothing else, and how a browser shows it.
# shellcheck disable=SC2016,SC2034 # eval expands them
set -u
. tests/lib.sh
# shellcheck source=tests/env.sh
. tests/env.sh
cp inputs/pisvm/rings.el inputs/lstm/tiny.csv "$TMP"
cp inputs/lstm/tiny.par "$TMP/lstm.par"
cd "$TMP" || exit 1
on() { # ranks, program, arguments: recorded in runs.jsonl
    local n=$1 program=$2
    shift 2
    "$MPIRUN" -np "$n" "$BIN/$program" --threads 1 --record runs.jsonl "$@" >/dev/null 2>>log
}
results=$BIN/psml-results
has() { [ -x "$BIN/$1" ]; }
picture=()
case $("$BIN/psml-results" --version) in *PNG*) picture=(--plot map.png) ;; esac

"$BIN/psml-data" generate geo towns.npy -n 20000 >/dev/null
for n in 1 2 1 2 16; do on $n hpdbscan -i towns.npy -o labels.npy -e 0.05 -m 20; done
cp runs.jsonl towns.jsonl
on 2 hpdbscan -i towns.npy -o labels.npy -e 0.1 -m 20 "${picture[@]}"
on 1 hpdbscan -i '<no> & "such".npy' -e 1
on 2 pisvm-train -v 4 --grid-c 1,10,100 --grid-g 0.1,1,4 rings.el
on 1 pisvm-train -c 10 -g 4 rings.el rings.model
on 1 pisvm-predict --report rings.el rings.model predicted
"$BIN/psml-data" generate digits digits -n 200 --test 100 >/dev/null
on 2 mnist-train digits --model perceptron --epochs 3 --rate 0.1 --batch 32
on 1 lstm-train lstm.par --input tiny.csv --epochs 2
head -n 1 towns.jsonl | sed 's/"run":"[0-9a-f]*"/"run":"cut"/' >>runs.jsonl # a run that was killed
printf '{"event":"epoch","run":"cu' >>runs.jsonl

# --- scaling ----------------------------------------------------------------------------------------------
"$results" scaling towns.jsonl -o study >table
expect 'scaling: strong, of the size of the data' grep -q '^## hpdbscan, strong scaling, 20000 samples$' table
expect 'scaling: two repetitions a point, the reference is 1' grep -Eq '^\| 1 \| 1 \| measured \| 2 \| .* \| 1\.00 \| 1\.000 \| 1\.000 \|' table
if [ "$(nproc)" -lt 16 ]; then
    expect 'scaling: ranks beyond the cores are called simulated' \
        eval 'grep -Eq "^\| 16 \| 1 \| simulated \| 1 \|" table && ! grep -Eq "^\| 16 \| 1 \| measured" table && grep -q "^Simulated: more workers than cores" table'
else
    skip 'scaling: ranks beyond the cores are called simulated' '16 ranks have cores here'
fi
expect 'scaling: a fit with its serial fraction' grep -Eq '^- Amdahl: serial fraction [01]\.[0-9]{4},' table
expect 'scaling: CSV has a line a point' eval 'test "$(grep -c "^hpdbscan,strong scaling," study.csv)" = "$(grep -Ec "^\| [0-9]+ \|" table)"'
expect 'scaling: an input of Extra-P' eval 'head -n 3 study-hpdbscan-extrap.txt | tail -n 1 | grep -q "^POINTS (1 1) " && grep -q "^REGION run->label$" study-hpdbscan-extrap.txt'
expect 'scaling: load balance and communication are shares' \
    awk -F, 'NR > 1 && $3 == "measured" { if ($13 <= 0 || $13 > 1.0001 || $14 <= 0 || $14 > 1.0001) bad = 1; n++ } END { exit bad || n == 0 }' study.csv
# energy that no counter here shows, written into the records: 3, 5, 7, 9 J, so that one rank has a median of 5
awk '/"event":"work"/ { n++; sub(/}$/, ",\"gpu_joules\":" 2 * n + 1 "}") } { print }' towns.jsonl >powered.jsonl
"$results" scaling powered.jsonl -o powered >table
expect 'scaling: energy of GPUs, the median of a point in table and CSV' eval 'grep -q "| GPU joules |$" table && grep -Eq "^\| 1 \| 1 \| measured \| 2 \| .* \| 5 \|$" table && grep -Eq "^hpdbscan,strong scaling,measured,1,1,2,.*,5$" powered.csv'
"$results" scaling towns.jsonl --phase label >table
expect 'scaling: one phase' grep -q '^## hpdbscan, strong scaling, 20000 samples, phase label$' table
"$results" scaling towns.jsonl --phase sleep 2>err
status=$?
expect 'scaling: a phase that no run has' eval '[ $status = 1 ] && grep -q "none of 5 runs ended well and has a phase sleep" err'
for format in svg png; do
    if [ $format = png ] && [ ${#picture[@]} = 0 ]; then continue; fi
    expect "scaling: figures as $format" eval "[ -s study-hpdbscan-speedup.$format ] && [ -s study-hpdbscan-efficiency.$format ] && [ -s study-hpdbscan-phases.$format ]"
done
if command -v xmllint >/dev/null; then
    expect 'scaling: SVG is well formed' xmllint --noout study-*.svg
else
    skip 'scaling: SVG is well formed' 'no xmllint; a unit test looks at it'
fi
"$results" scaling table 2>err
status=$?
expect 'scaling: a file that is no record' eval '[ $status = 1 ] && grep -q "table is no record of a run" err'

# --- report -----------------------------------------------------------------------------------------------
"$results" report runs.jsonl -o page.html --title 'Runs & <more>' >said
expect 'report: all runs' eval 'grep -q "^page.html: 13 runs$" said && test "$(grep -c "<details class=\"run\"" page.html)" = 13'
expect 'report: what was typed is escaped' eval 'grep -q "<title>Runs &amp; &lt;more&gt;</title>" page.html && grep -q "&lt;no&gt; &amp; &quot;such&quot;.npy" page.html && ! grep -q "<no>" page.html'
expect 'report: nothing from elsewhere' eval '! grep -Eq "(href|src)=\"[^#d]|https?://|@import|<script" page.html'
expect 'report: failed and killed runs, lines cut off' eval 'grep -q "class=\"failed\">failed" page.html && grep -q "class=\"unfinished\">unfinished" page.html && grep -q "left out: 1\." page.html'
# a perceptron of 784 x 10 weights and 10 biases: 600 samples, 21 steps without momentum
expect 'report: FLOP and bytes of a training are those counted by hand' eval "grep -q '\"of\":\"forward\",\"flop\":9408000,\"bytes\":2565000,' runs.jsonl && grep -q '\"of\":\"step\",\"flop\":18816000,\"bytes\":7108200,' runs.jsonl"
for words in 'confusion matrix, in samples' 'accuracy in % of cross-validation' 'error of the forecast: load' 'time by phase' 'roofline: ' '>dense<' 'hpdbscan: efficiency, strong scaling' '>validation<'; do
    expect "report: $words" grep -q -e "$words" page.html
done
[ ${#picture[@]} = 0 ] || expect 'report: pictures of runs' grep -q 'src="data:image/png;base64,iVBORw0KGgo' page.html
for c in 1 10 100; do for g in 0.1 1; do "$BIN/pisvm-train" -v 4 -c $c -g $g rings.el --record sweep.jsonl >/dev/null 2>>log; done; done
"$results" report sweep.jsonl -o sweep.html >said
expect 'report: a sweep over two numbers is a table of colour' eval 'test "$(grep -c "<title>gamma [01.]*, cost [0-9]*: " sweep.html)" = 6'
"$results" report none.jsonl -o other.html 2>err
status=$?
expect 'report: no such record' eval '[ $status = 1 ] && grep -q "none.jsonl cannot be read" err && [ ! -e other.html ]'

# --- in a browser -----------------------------------------------------------------------------------------
browser=
for name in chromium chromium-browser google-chrome; do command -v $name >/dev/null && browser=${browser:-$name}; done
if [ -z "$browser" ]; then
    skip 'report: in a browser' 'no Chromium'
    exit
fi
# a copy that measures itself, within frames as wide as a desktop and a phone
{
    sed 's/<details/<details open/g' page.html
    cat <<'END'
<script>
let smallest = 1e9, wide = document.documentElement.scrollWidth - innerWidth;
for (const t of document.querySelectorAll('svg text, p, td, th, summary, figcaption, h1, h2, h3')) {
    const svg = t.closest('svg'), scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    if (t.getClientRects().length) smallest = Math.min(smallest, parseFloat(getComputedStyle(t).fontSize) * scale);
}
let out = 0; // text of figures beyond their borders
for (const t of document.querySelectorAll('svg text')) {
    const a = t.getBoundingClientRect(), b = t.closest('svg').getBoundingClientRect();
    if (a.left < b.left - 1 || a.right > b.right + 1 || a.top < b.top - 1 || a.bottom > b.bottom + 1) out++;
}
parent.postMessage(`width ${innerWidth} beyond ${wide} smallest ${smallest.toFixed(1)} out ${out} paper ${getComputedStyle(document.body).backgroundColor}`, '*');
</script>
END
} >measured.html
cat >frames.html <<'END'
<body><pre id="said"></pre><script>onmessage = e => { said.textContent += `\n${e.data};` }</script>
<iframe src="measured.html" style="width:1280px;height:900px"></iframe><iframe src="measured.html" style="width:390px;height:844px"></iframe>
END
look() { # options: what both frames say
    HOME=$TMP timeout 90 "$browser" --headless --no-sandbox --disable-gpu --virtual-time-budget=20000 "$@" --dump-dom frames.html 2>/dev/null | grep -o '^width.*;'
}
look >light
look --blink-settings=preferredColorScheme=0 >dark
if [ ! -s light ]; then
    skip 'report: in a browser' "$browser does not run here"
    exit
fi
cat light dark
for width in 1280 390; do
    expect "report: nothing is wider than a screen of $width" grep -Eq "^width $width beyond (0|-[0-9]+) " light
    expect "report: no text below 12 pixels on $width" awk -v w=$width '$1 == "width" && $2 == w { n++; if ($6 < 12) bad = 1 } END { exit bad || n != 1 }' light
    expect "report: text of figures stays inside on $width" grep -Eq "^width $width .* out 0 " light
done
expect 'report: light and dark' eval 'grep -q "rgb(255, 255, 255)" light && ! grep -q "rgb(255, 255, 255)" dark'

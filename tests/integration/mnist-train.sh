#!/bin/bash
# mnist-train: its nets, the same bits on any number of ranks and threads, figures, and what it refuses.
# timeout: 400
set -u
. tests/lib.sh
top=$PWD
train=$BIN/mnist-train
cd "$TMP" || exit 1
on() { # ranks, arguments...
    local n=$1
    shift
    if [ "$n" = 1 ]; then "$train" "$@"; else "$MPIRUN" -np "$n" "$train" "$@"; fi
}
epoch() { grep '"event":"epoch"' "$1" | tail -n 1; } # the last epoch of a record
value() { sed -n "s/.*\"$1\":\([-0-9.e+]*\)[,}].*/\1/p"; }

# --- digits -----------------------------------------------------------------------------------------------
for n in 1 2 3; do
    "$MPIRUN" -np $n "$BIN/psml-data" generate digits digits$n -n 600 --test 200 --threads $((n % 2 + 1)) >said
    expect "digits: $(cat said)" grep -q "^digits$n: 600 digits for training, 200 for testing" said
done
expect 'digits: the same files on 1, 2 and 3 ranks' eval 'diff -r digits1 digits2 && diff -r digits1 digits3'
expect 'digits: other samples for the test' fails cmp -s <(head -c 800 digits1/train-images-idx3-ubyte | tail -c 784) <(head -c 800 digits1/t10k-images-idx3-ubyte | tail -c 784)
"$BIN/psml-data" info digits1/train-images-idx3-ubyte >said
expect 'digits: their shape' grep -q '600 x 784' said
# 600 draws of one in ten: 60 with a standard deviation of 7.3; five of them
counts=$(tail -c 600 digits1/train-labels-idx1-ubyte | od -An -v -tu1 -w1 | sort -n | uniq -c | awk '{ print $1 }' | xargs)
expect "digits: each about 60 times: $counts" awk -v c="$counts" 'BEGIN { n = split(c, k, " "); for (i = 1; i <= n; i++) if (k[i] < 24 || k[i] > 96) exit 1; exit n != 10 }'
mv digits1 digits

# --- nets -------------------------------------------------------------------------------------------------
small=(--train-limit 64 --test-limit 32 --epochs 1)
for net in perceptron:7,850 ann:118,282 cnn:1,256,080; do
    on 1 --model "${net%%:*}" digits "${small[@]}" >said
    expect "${net%%:*}: ${net#*:} parameters" grep -q "${net#*:}" said
done

# --- tiny.par ---------------------------------------------------------------------------------------------
on 1 "$top/inputs/mnist/tiny.par" --record tiny.jsonl >tiny
accuracy=$(value test_accuracy <tiny.jsonl)
expect "tiny.par: $accuracy of the test digits are recognised; by chance it were 0.1" awk "BEGIN { exit !($accuracy > 0.6 && $accuracy <= 1) }"
expect 'tiny.par: a line each epoch' [ "$(grep -c '"event":"epoch"' tiny.jsonl)" = 5 ]
expect 'tiny.par: the confusion matrix has every test digit once' awk '/^ +[0-9] +[0-9]/ && NF == 12 { for (k = 2; k <= 11; k++) n += $k; d += $($1 + 2) } END { exit n != 200 || d != int(200 * a + 0.5) }' a="$accuracy" tiny
expect 'tiny.par: figures of the last epoch are those of the test' [ "$(epoch tiny.jsonl | value val_loss)" = "$(value test_loss <tiny.jsonl)" ]

# --- the same bits ----------------------------------------------------------------------------------------
for model in ann cnn; do
    rows=(--model "$model" digits --train-limit 150 --test-limit 50 --epochs 2 --batch 32 --grains 4 --init glorot --momentum 0.9)
    rm -f want.jsonl
    on 1 "${rows[@]}" --threads 1 --save want.st --record want.jsonl >/dev/null
    for ranks in 1 2 3 4; do
        for threads in 1 2; do
            rm -f got.jsonl
            on $ranks "${rows[@]}" --threads $threads --save got.st --record got.jsonl >/dev/null
            expect "$model: the same weights on $ranks ranks x $threads threads" cmp -s want.st got.st
            expect "$model: the same figures on $ranks ranks x $threads threads" [ "$(value test_loss <want.jsonl)" = "$(value test_loss <got.jsonl)" ]
        done
    done
done
on 2 "${rows[@]}" --seed 2 --save got.st >/dev/null
expect 'another seed, other weights' fails cmp -s want.st got.st

# --- evaluation, validation, the sheet of mistakes --------------------------------------------------------
train_ann=(--model ann digits --epochs 3 --rate 0.1 --batch 32 --grains 4)
on 2 "${train_ann[@]}" --validation 0.2 --save ann.st --record held.jsonl >said
on 3 "${train_ann[@]}" --validation 0.2 --eval-only --weights ann.st --record eval.jsonl >said
for figure in val_loss val_accuracy; do
    expect "eval-only: $figure is that of the last epoch" [ "$(epoch held.jsonl | value $figure)" = "$(grep "\"$figure\"" eval.jsonl | tail -n 1 | value $figure)" ]
done
expect 'eval-only: the same test loss' [ "$(value test_loss <held.jsonl)" = "$(value test_loss <eval.jsonl)" ]
for ranks in 1 3; do on $ranks "${train_ann[@]}" --eval-only --weights ann.st --wrong wrong$ranks.png >said 2>err; done
if [ -s wrong1.png ]; then
    expect 'wrong: a PNG picture' [ "$(head -c 4 wrong1.png | tail -c 3)" = PNG ]
    expect 'wrong: the same picture on 3 ranks' cmp -s wrong1.png wrong3.png
else
    skip 'wrong' "$(grep '^mnist-train' err)"
fi

# --- what it refuses --------------------------------------------------------------------------------------
refused() { # part of the message, arguments...: on 1 and 3 ranks, one message, a status that is not 0
    local part=$1 ranks status
    shift
    for ranks in 1 3; do
        status=0
        on $ranks "$@" >out 2>err || status=$?
        expect "refused on $ranks ranks: $(grep '^mnist-train: ' err | cut -c 1-150)" test "$status" -ne 0 -a "$(grep -c "^mnist-train: .*$part" err)" = 1
    done
}
put() { # file, offset, byte in octal
    printf "\\$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
copy() { # fresh copy of the digits in bad/
    rm -rf bad
    cp -r digits bad
}
refused 'no data: name a folder' --model ann
refused 'none: No such file' none
refused "'2,x': write microseconds of a message and GB/s" digits --network 2,x
refused 'slow-nodes needs --network' digits --slow-nodes 64
refused 'there is one node' digits --network 2,12.5 --slow-nodes 64
mkdir empty
refused 'IDX files hold one array: name the folder' digits/train-images-idx3-ubyte
refused 'the folder has no train-images-idx3-ubyte' empty
copy && put bad/t10k-labels-idx1-ubyte 12 310
refused 't10k-labels-idx1-ubyte: sample 4 has the label 200, but classes are 0 to 9' bad
refused 'train-labels-idx1-ubyte: sample [0-9]* has the label 9, but classes are 0 to 8' digits --classes 9
copy && head -c 507 digits/train-labels-idx1-ubyte >bad/train-labels-idx1-ubyte && put bad/train-labels-idx1-ubyte 6 001 && put bad/train-labels-idx1-ubyte 7 363
refused '499 labels for the 600 images of' bad
copy && head -c $((16 + 200 * 27 * 28)) digits/t10k-images-idx3-ubyte >bad/t10k-images-idx3-ubyte && put bad/t10k-images-idx3-ubyte 11 033
refused 'images of 27 x 28 pixels; those of .* have 28 x 28' bad
refused 'images of 784 pixels are not 15 high' digits --height 15
copy && put bad/t10k-images-idx3-ubyte 11 016 && head -c $((16 + 200 * 14 * 14)) bad/t10k-images-idx3-ubyte >t && put t 15 016 && mv t bad/t10k-images-idx3-ubyte
refused 'images of 14 x 14 pixels; those of' bad
copy && head -c 10000 digits/train-images-idx3-ubyte >bad/train-images-idx3-ubyte
refused 'train-images-idx3-ubyte: truncated' bad
if gzip -c digits/train-images-idx3-ubyte >t.gz; then
    copy && rm bad/train-images-idx3-ubyte && head -c 40000 t.gz >bad/train-images-idx3-ubyte.gz
    refused 'train-images-idx3-ubyte.gz: ' bad
    cp t.gz bad/train-images-idx3-ubyte.gz
    expect 'compressed files are read, too' eval 'on 2 --model ann bad "${small[@]}" >/dev/null'
fi
awk -v v=nan 'BEGIN { for (i = 0; i < 600; i++) { for (k = 0; k < 16; k++) printf "%s%s", k ? "," : "", i == 77 && k == 3 ? v : k; print "" } }' >nan.csv
refused 'nan.csv: sample 77 has a pixel of nan' digits --train-images nan.csv
sed 's/nan/0.5/' nan.csv >half.csv
refused 'half.csv: sample 77 has a pixel of 0.5' digits --train-images half.csv
cut -d, -f 1-15 nan.csv >odd.csv
refused 'odd.csv: images of 15 pixels are not square: say their --height' digits --train-images odd.csv
refused 'classification needs two classes' digits --train-limit 1 --classes 1
refused 'leaves none of 600 samples' digits --validation 0.9999
refused 'ann.st: ' --model perceptron digits --weights ann.st
head -c 2000 ann.st >torn.st
refused 'torn.st: ' --model ann digits --weights torn.st
refused 'epoch 1' --model ann digits --rate 1e30
refused 'no/such' digits --wrong no/such/place.png
refused 'back end cuda' digits --backend cuda

# --- arrays of NumPy --------------------------------------------------------------------------------------
if python3 -c 'import zipfile, zlib' 2>/dev/null; then
    python3 - <<'END'
import struct, zipfile
def array(name, offset, shape, kind="|u1", form="%dB"):
    data = open("digits/" + name, "rb").read()[offset:]
    head = "{'descr': '%s', 'fortran_order': False, 'shape': (%s,), }" % (kind, ", ".join(map(str, shape)))
    head += " " * (63 - (10 + len(head)) % 64) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode() + struct.pack("<" + form % len(data), *data)
for name, packing, label in ("plain", zipfile.ZIP_STORED, ("|u1", "%dB")), ("packed", zipfile.ZIP_DEFLATED, ("<i8", "%dq")):
    with zipfile.ZipFile(name + ".npz", "w", packing) as z:
        z.writestr("x_train.npy", array("train-images-idx3-ubyte", 16, (600, 28, 28)))
        z.writestr("y_train.npy", array("train-labels-idx1-ubyte", 8, (600,), *label))
        z.writestr("x_test.npy", array("t10k-images-idx3-ubyte", 16, (200, 28, 28)))
        z.writestr("y_test.npy", array("t10k-labels-idx1-ubyte", 8, (200,), *label))
open("x.npy", "wb").write(array("train-images-idx3-ubyte", 16, (600, 784), "<f4", "%df"))
END
    on 1 --model ann digits --epochs 1 --grains 1 --save want.st >/dev/null
    for data in plain.npz packed.npz 'digits --train-images x.npy'; do
        # shellcheck disable=SC2086 # words are wanted
        on 2 --model ann $data --epochs 1 --grains 1 --save got.st >/dev/null
        expect "the same weights from $data" cmp -s want.st got.st
    done
    head -c 100000 plain.npz >torn.npz
    refused 'torn.npz: ' torn.npz
    refused 'x.npy: npy files hold one array' x.npy
else
    skip npz 'no Python here to write it'
fi

# --- real digits ------------------------------------------------------------------------------------------
# logistic regression on pixels ends between 0.92 and 0.93
if [ -d "${DATA:-/nowhere}/mnist" ]; then
    on 2 "$top/inputs/mnist/perceptron.par" --threads 1 "$DATA/mnist" --epochs 2 --record real.jsonl >said
    accuracy=$(value test_accuracy <real.jsonl)
    expect "MNIST: a perceptron recognises $accuracy after two epochs" awk "BEGIN { exit !($accuracy > 0.90 && $accuracy < 0.925) }"
else
    skip MNIST 'no real data here'
fi

# shellcheck shell=bash
# Small nets, and comparisons of what training them gives: source me in a folder for their data, with $top, the top of the tree.
nets_data() { # made once
    "$BIN/psml-data" generate digits digits -n 200 --test 50 >/dev/null
    "$BIN/psml-data" generate spectra scene.npy --height 12 --width 12 --bands 12 --classes 3 >/dev/null
    # shellcheck disable=SC2154 # top
    sed 150,153d "$top/inputs/lstm/tiny.csv" >gap.csv # in the middle of a stream state begins anew
}
net() { # name: its program and arguments, a few steps in 2 grains
    case $1 in
    ann) words=(mnist-train digits --model ann --epochs 2 --batch 32 --train-limit 96 --init glorot --momentum 0.9 --rate 0.05) ;;
    cnn) words=(mnist-train digits --model cnn --epochs 1 --batch 16 --train-limit 32 --test-limit 16 --rate 0.05) ;;
    autoencoder) words=(autoencoder-train scene.npy --scene 12x12 -l bands-8-3-8-bands --activation tanh -e 2 -b 32 -r 0.003 --clip 1) ;;
    lstm) words=(lstm-train "$top/inputs/lstm/tiny.par" --input "$top/inputs/lstm/tiny.csv" --epochs 1 --hidden 8 --window 12 --stride 16 --batch 8 --optimizer sgd --rate 0.05) ;;
    carried) words=(lstm-train "$top/inputs/lstm/tiny.par" --input gap.csv --state carried --epochs 2 --hidden 8 --layers 2 --window 2 --batch 24 --init glorot --optimizer sgd --rate 0.5) ;;
    resnet) words=(resnet50-train --model resnet20 --synthetic 12 --classes 6 --height 8 --batch 8 --epochs 2 --rate 0.05 --momentum 0.9 --decay 0.001 --mixup 0.2) ;;
    esac
    words+=(--grains 2)
}
floats() { # file of weights, one number a line
    od -An -v -tf4 -w4 -j $((8 + $(od -An -tu8 -N 8 "$1"))) "$1"
}
losses() { sed -n 's/.*"event":"epoch".*"loss":\([-0-9.e+a-z]*\).*/\1/p' "$1"; }
near_weights() { # largest share of the change from start, start, want, got: prints the share, of Euclidean norms
    paste <(floats "$2") <(floats "$3") <(floats "$4") |
        awk -v share="$1" '{ way += ($2 - $1)^2; off += ($3 - $2)^2 } END { if (!(way > 0)) exit 1; off = sqrt(off / way); printf "%.2g", off; exit !(off < share) }'
}
near_losses() { # largest relative difference, records of want and got
    paste <(losses "$2") <(losses "$3") | awk -v share="$1" '{ d = $1 - $2; if (d < 0) d = -d; if (!(d < share * $1)) exit 1; n++ } END { exit n == 0 }'
}
near_tables() { # largest share of all numbers, of Euclidean norms, tables of want and got
    paste -d, "$2" "$3" | awk -F, -v share="$1" 'NR > 1 { for (i = 1; i <= NF / 2; i++) { all += $i^2; off += ($(i + NF / 2) - $i)^2 } } END { exit !(all > 0 && off < share^2 * all) }'
}

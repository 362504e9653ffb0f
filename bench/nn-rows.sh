# shellcheck shell=bash
# What mnist-train, autoencoder-train and lstm-train are measured on, as bench/small_nets.py has it for PyTorch: source me.
nn_data() { # folder: made once
    [ -e "$1/digits/train-images-idx3-ubyte" ] || [ -e "$1/digits/train-images-idx3-ubyte.gz" ] || "$BIN/psml-data" generate digits "$1/digits" -n 12800 >/dev/null
    [ -e "$1/spectra.h5" ] || "$BIN/psml-data" generate spectra "$1/spectra.h5" -n 20480 --bands 200 >/dev/null
    [ -e "$1/series.csv" ] || awk 'BEGIN { print "step,a,b,c,d,e,f,g,h"; for (i = 0; i < 9300; i++) { printf "%d", i; for (k = 1; k < 9; k++) printf ",%.4f", sin(i * k / 24) + sin(i / (7 * k)); print "" } }' >"$1/series.csv"
}
nn_words() { # row, folder of the data, epochs: program and options into $words
    case $1 in
    ann) words=("$BIN/mnist-train" --data "$2/digits" --model ann) ;;
    cnn) words=("$BIN/mnist-train" --data "$2/digits" --model cnn --optimizer adam --rate 0.001) ;;
    autoencoder) words=("$BIN/autoencoder-train" "$2/spectra.h5" --layers bands-128-64-32-64-128-bands --batch 1024 --optimizer adam --rate 0.001 --validate-every "$3") ;;
    lstm-128) words=("$BIN/lstm-train" "$2/series.csv" --time step --target a --window 64 --hidden 128 --batch 64) ;;
    lstm-512) words=("$BIN/lstm-train" "$2/series.csv" --time step --target a --window 64 --hidden 512 --layers 2 --batch 256) ;;
    esac
    words+=(--epochs "$3")
}

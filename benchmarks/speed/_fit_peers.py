"""The article's experiment by another library, as one process: ``python fit_peers.py PEER ROWS.npz``.

Runs in the peer's own environment, so it imports nothing of ours. ``ROWS.npz`` holds ``train`` and ``test`` float32
[n, 121] in [0, 1] and ``is_odd`` [n]; printed is one JSON object with the AUROC of the test rows. The network is
121-60-40-60-121, 32 passes in batches of 256 with Adam at 1e-4, and the threshold the 99th percentile of the training
rows' scores.
"""

import json
import sys

import numpy as np

WIDTH, LATENT, BATCH, PASSES, RATE = 60, 40, 256, 32, 1e-4


def main(peer, path):
    with np.load(path) as data:
        train, test, is_odd = data["train"], data["test"], data["is_odd"]
    fitted, scored = {"pyod": pyod, "alibi-detect": alibi_detect, "pytorch": pytorch}[peer](train, test)
    threshold = np.quantile(fitted, 0.99)
    print(json.dumps({"auroc": auroc(is_odd, scored), "flagged": float(np.mean(scored > threshold))}))


def auroc(is_odd, score):
    order = np.argsort(score, kind="stable")
    _, first, count = np.unique(score[order], return_index=True, return_counts=True)
    rank = np.empty(len(score))
    rank[order] = np.repeat(first + (count + 1) / 2, count)
    n_odd = int(is_odd.sum())
    return float((rank[is_odd].sum() - n_odd * (n_odd + 1) / 2) / (n_odd * (len(score) - n_odd)))


def pyod(train, test):
    from pyod.models.vae import VAE

    detector = VAE(
        encoder_neuron_list=[WIDTH],
        decoder_neuron_list=[WIDTH],
        latent_dim=LATENT,
        batch_size=BATCH,
        epoch_num=PASSES,
        lr=RATE,
        preprocessing=False,
        batch_norm=False,
        dropout_rate=0.0,
        output_activation_name="sigmoid",
        device="cpu",
        random_state=0,
        verbose=0,
    )
    detector.fit(train)
    return detector.decision_scores_, detector.decision_function(test)


def alibi_detect(train, test):
    import tensorflow as tf
    from alibi_detect.od import OutlierVAE

    layer, net = tf.keras.layers, tf.keras.Sequential
    encoder = net([layer.InputLayer(input_shape=(train.shape[1],)), layer.Dense(WIDTH, activation="relu")])
    decoder = net(
        [
            layer.InputLayer(input_shape=(LATENT,)),
            layer.Dense(WIDTH, activation="relu"),
            layer.Dense(train.shape[1], activation="sigmoid"),
        ]
    )
    detector = OutlierVAE(threshold=0.0, encoder_net=encoder, decoder_net=decoder, latent_dim=LATENT, samples=1)
    optimizer = tf.keras.optimizers.Adam(learning_rate=RATE)
    detector.fit(train, optimizer=optimizer, epochs=PASSES, batch_size=BATCH, verbose=False)
    return tuple(detector.predict(rows, outlier_type="instance")["data"]["instance_score"] for rows in (train, test))


def pytorch(train, test):
    import torch
    from torch import nn

    torch.manual_seed(0)
    n_features = train.shape[1]
    encoder = nn.Sequential(nn.Linear(n_features, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 2 * LATENT))
    decoder = nn.Sequential(nn.Linear(LATENT, WIDTH), nn.ReLU(), nn.Linear(WIDTH, n_features), nn.Sigmoid())
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=RATE, fused=True)
    rows = torch.from_numpy(train)
    for _ in range(PASSES):
        order = torch.randperm(len(rows))
        for batch in order.split(BATCH):
            drawn = rows[batch]
            mean, log_variance = encoder(drawn).chunk(2, dim=1)
            rebuilt = decoder(mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean))
            kl = 0.5 * (mean**2 + log_variance.exp() - 1.0 - log_variance).sum()
            loss = ((rebuilt - drawn) ** 2).sum() + kl
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

    def score(table):
        with torch.no_grad():
            return np.concatenate(
                [
                    ((decoder(encoder(part)[:, :LATENT]) - part) ** 2).sum(dim=1).numpy()
                    for part in torch.from_numpy(table).split(4096)
                ]
            )

    return score(train), score(test)


if __name__ == "__main__":
    main(*sys.argv[1:])

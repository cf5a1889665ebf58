"""A trained network taken home: a stand-alone module, weights, ONNX, torch.export and a card, proved in a clean process."""

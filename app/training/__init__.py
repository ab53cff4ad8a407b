"""Photos in, a bundle out: reading, augmentation, fine-tuning, calibration, evaluation."""

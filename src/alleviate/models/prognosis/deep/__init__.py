"""Networks: learned by torch (the extra ``deep``), kept as safetensors, foreseeing by numpy alone."""

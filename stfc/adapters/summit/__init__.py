"""The two ways to reach the platform Summit: HTTP and folder."""

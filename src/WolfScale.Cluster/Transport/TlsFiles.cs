namespace WolfScale.Cluster.Transport;

/// <summary>PEM files for TLS between nodes: this node's certificate (with intermediates, if any), its key, and the CA of all nodes.</summary>
public sealed record TlsFiles(string CertificateFile, string KeyFile, string CaFile);

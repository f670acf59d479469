using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace WolfScale.Cluster.Transport;

/// <summary>
/// Mutual TLS with the cluster's own CA: both sides show a certificate, and only tls_ca is trusted, not the system's authorities. Names in
/// certificates are not compared with addresses: who a node is, is proven by the cluster secret over both certificates (channel binding).
/// They can be read anew while the node runs; connections that are there go on with what they began with.
/// </summary>
internal sealed class TlsCredentials : IDisposable
{
    private volatile Pem _pem;

    private TlsCredentials(Pem pem) => _pem = pem;

    /// <summary>Reads and checks the files.</summary>
    /// <exception cref="ClusterStartException">A file is missing, unreadable or no certificate, or this node's certificate is not of the CA.</exception>
    public static TlsCredentials Load(TlsFiles files)
    {
        try
        {
            var pem = Read(files);
            if (Reject(pem.Certificate, pem) is { } reason)
                throw new CryptographicException($"the certificate in {files.CertificateFile} does not stand up to {files.CaFile}: {reason}");
            return new TlsCredentials(pem);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new ClusterStartException(
                $"TLS between nodes cannot be set up from cluster.tls_cert = '{files.CertificateFile}', tls_key = '{files.KeyFile}', "
                + $"tls_ca = '{files.CaFile}': {e.Message}", e);
        }
    }

    /// <summary>Reads the files again, for the connections that begin from here on.</summary>
    /// <exception cref="ClusterStartException">As above; what was read before stays.</exception>
    public void Reload(TlsFiles files) => _pem = Load(files)._pem;

    /// <summary>Makes the dialling side of a TLS connection. Blocks; the caller's deadline closes the socket.</summary>
    /// <returns>The stream and the bytes that bind the handshake proofs to it.</returns>
    public (SslStream Stream, byte[] Binding) Dial(Stream inner)
    {
        var pem = _pem;
        string? rejected = null;
        var tls = new SslStream(inner, leaveInnerStreamOpen: false, (_, certificate, _, _) => (rejected = Reject(certificate, pem)) is null);
        try
        {
            tls.AuthenticateAsClient(new SslClientAuthenticationOptions
            {
                TargetHost = "",
                ClientCertificateContext = pem.Context,
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            });
            return (tls, Binding(server: tls.RemoteCertificate!, client: pem.Certificate));
        }
        catch (AuthenticationException e) when (rejected is not null)
        {
            throw new AuthenticationException($"the peer's certificate is refused: {rejected}", e);
        }
    }

    /// <summary>Makes the accepting side of a TLS connection. Blocks; the caller's deadline closes the socket.</summary>
    public (SslStream Stream, byte[] Binding) Accept(Stream inner)
    {
        var pem = _pem;
        string? rejected = null;
        var tls = new SslStream(inner, leaveInnerStreamOpen: false, (_, certificate, _, _) => (rejected = Reject(certificate, pem)) is null);
        try
        {
            tls.AuthenticateAsServer(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = pem.Context,
                ClientCertificateRequired = true,
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            });
            return (tls, Binding(server: pem.Certificate, client: tls.RemoteCertificate!));
        }
        catch (AuthenticationException e) when (rejected is not null)
        {
            throw new AuthenticationException($"the peer's certificate is refused: {rejected}", e);
        }
    }

    /// <summary>What went wrong, in words: the runtime wraps the telling part, except where it was this class that refused.</summary>
    public static string Describe(AuthenticationException error) =>
        error.InnerException is null or AuthenticationException ? error.Message : error.InnerException.Message;

    public void Dispose()
    {
        _pem.Certificate.Dispose();
        foreach (var authority in _pem.Authorities)
            authority.Dispose();
    }

    /// <summary>Null when the certificate leads to tls_ca and is in its time; else the reason.</summary>
    private static string? Reject(X509Certificate? certificate, Pem pem)
    {
        if (certificate is null)
            return "it showed none; set cluster.tls_cert and tls_key there";
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(pem.Authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        var leaf = certificate as X509Certificate2 ?? X509CertificateLoader.LoadCertificate(certificate.GetRawCertData());
        if (chain.Build(leaf))
            return null;
        return $"'{leaf.Subject}' is not of an authority in cluster.tls_ca ("
            + string.Join("; ", chain.ChainStatus.Select(s => s.StatusInformation.Trim())) + ")";
    }

    private static Pem Read(TlsFiles files)
    {
        var certificate = X509Certificate2.CreateFromPemFile(files.CertificateFile, files.KeyFile);
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(files.CaFile);
        if (authorities.Count == 0)
            throw new CryptographicException($"{files.CaFile} holds no certificate");
        var intermediates = new X509Certificate2Collection();
        intermediates.ImportFromPemFile(files.CertificateFile);
        return new Pem(certificate, authorities, SslStreamCertificateContext.Create(certificate, intermediates, offline: true));
    }

    private static byte[] Binding(X509Certificate server, X509Certificate client) =>
        [.. SHA256.HashData(server.GetRawCertData()), .. SHA256.HashData(client.GetRawCertData())];

    private sealed record Pem(X509Certificate2 Certificate, X509Certificate2Collection Authorities, SslStreamCertificateContext Context);
}

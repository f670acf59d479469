using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace WolfScale.Client;

/// <summary>
/// Who must have signed the certificate that the other side shows. One that is the cluster's own (<c>cluster.tls_ca</c>) signs nodes and nothing else: whoever it has signed is one, under whatever
/// name or address it is reached, because addresses change. Any other (<c>--cacert</c>) may have signed half the world, so there the name has to be right too.
/// </summary>
public sealed class Authority
{
    private readonly X509Certificate2Collection _certificates = [];
    private readonly bool _isTheClusters;

    private Authority(string setting, string file, bool isTheClusters)
    {
        _isTheClusters = isTheClusters;
        try
        {
            _certificates.ImportFromPem(File.ReadAllText(file));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new RefusedException($"{setting}: {file} cannot be read as {Environment.UserName}: {e.Message}", ExitCode.Invalid);
        }

        if (_certificates.Count == 0)
            throw new RefusedException($"{setting}: {file} holds no certificate in PEM.", ExitCode.Invalid);
    }

    /// <summary>That of <c>cluster.tls_ca</c>; null where it is empty: then the system's decide.</summary>
    /// <exception cref="RefusedException">The file cannot be read, or holds no certificate.</exception>
    public static Authority? OfCluster(string file) => file.Length == 0 ? null : new Authority("cluster.tls_ca", file, isTheClusters: true);

    /// <summary>One that a person has named.</summary>
    /// <param name="option">How.</param>
    /// <param name="file">PEM.</param>
    /// <exception cref="RefusedException">The file cannot be read, or holds no certificate.</exception>
    public static Authority Named(string option, string file) => new(option, file, isTheClusters: false);

    /// <summary>Makes connections with these options demand it.</summary>
    public void DemandIn(SslClientAuthenticationOptions options)
    {
        // A private authority has nobody to ask for revocations.
        options.CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        options.CertificateChainPolicy.CustomTrustStore.AddRange(_certificates);
        if (_isTheClusters)
            options.RemoteCertificateValidationCallback = static (_, _, _, errors) => (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None;
    }
}

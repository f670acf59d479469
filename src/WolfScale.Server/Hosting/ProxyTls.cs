using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace WolfScale.Server.Hosting;

/// <summary>TLS as a proxy speaks it: to its clients, and to other proxies.</summary>
internal static class ProxyTls
{
    /// <summary>The certificate, and those that lead to its issuer, from one PEM file.</summary>
    public static SslStreamCertificateContext Certificate(ProxySection proxy)
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(proxy.TlsCert);
        if (chain.Count == 0)
            throw new System.Security.Cryptography.CryptographicException($"{proxy.TlsCert} holds no certificate in PEM form.");
        chain.RemoveAt(0); // the certificate itself
        return SslStreamCertificateContext.Create(X509Certificate2.CreateFromPemFile(proxy.TlsCert, proxy.TlsKey), chain, offline: true);
    }

    /// <summary>
    /// Between nodes TLS is spoken where clients speak it. With <c>cluster.tls_ca</c> the other node's certificate must come from there; without it the
    /// way is encrypted, and who is at its end is not proved.
    /// </summary>
    public static SslClientAuthenticationOptions ToOtherProxies(ClusterSection cluster)
    {
        var options = new SslClientAuthenticationOptions { TargetHost = "wolfscale" };
        if (Authority.OfCluster(cluster.TlsCa) is { } authority)
            authority.DemandIn(options);
        else
#pragma warning disable CA5359 // See above: there is nothing to check it against.
            options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        return options;
    }
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace WolfScale.EndToEnd.Harness;

/// <summary>A certificate authority of the tests' own, and a certificate for loopback signed by it, as PEM files.</summary>
internal sealed record Certificates(string CertificateFile, string KeyFile, string AuthorityFile)
{
    public static async Task<Certificates> CreateAsync(string folder, string name)
    {
        var now = DateTimeOffset.UtcNow;
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest($"CN={name} authority", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        using var authority = authorityRequest.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1"), new("1.3.6.1.5.5.7.3.2")], critical: false));
        using var certificate = request.Create(authority, now.AddDays(-1), now.AddDays(1), RandomNumberGenerator.GetBytes(8));

        var files = new Certificates(Path.Combine(folder, $"{name}.crt"), Path.Combine(folder, $"{name}.key"), Path.Combine(folder, $"{name}-ca.crt"));
        await File.WriteAllTextAsync(files.CertificateFile, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(files.KeyFile, key.ExportPkcs8PrivateKeyPem());
        File.SetUnixFileMode(files.KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllTextAsync(files.AuthorityFile, authority.ExportCertificatePem());
        return files;
    }

    /// <summary>The settings that turn TLS on with these files.</summary>
    public string[] Settings => [$"cluster.tls_cert={CertificateFile}", $"cluster.tls_key={KeyFile}", $"cluster.tls_ca={AuthorityFile}"];
}

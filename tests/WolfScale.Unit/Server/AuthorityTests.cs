using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using WolfScale.Client;

namespace WolfScale.Unit.Server;

/// <summary>Whose certificates nodes may show, and whether the name in them counts.</summary>
public sealed class AuthorityTests : IDisposable
{
    private readonly TempFolder _folder = new("authority");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_clusters_own_is_believed_under_any_address_and_one_that_was_named_only_with_the_right_name()
    {
        using var node = Signed("ca.pem", "db1.example");
        var ca = Path.Combine(_folder.Path, "ca.pem");

        Assert.True(await ConnectsAsync(node, Authority.OfCluster(ca)!, "10.0.0.1"));
        Assert.True(await ConnectsAsync(node, Authority.Named("--cacert", ca), "db1.example"));
        Assert.False(await ConnectsAsync(node, Authority.Named("--cacert", ca), "10.0.0.1"));
    }

    [Fact]
    public async Task Another_authority_is_not_believed()
    {
        using var node = Signed("ca.pem", "db1.example");
        using var _ = Signed("other.pem", "db1.example");
        var other = Path.Combine(_folder.Path, "other.pem");

        Assert.False(await ConnectsAsync(node, Authority.OfCluster(other)!, "db1.example"));
        Assert.False(await ConnectsAsync(node, Authority.Named("--cacert", other), "db1.example"));
    }

    [Fact]
    public void A_file_that_holds_none_is_refused_with_the_setting_that_names_it()
    {
        var empty = Path.Combine(_folder.Path, "empty.pem");
        File.WriteAllText(empty, "nothing");

        Assert.Null(Authority.OfCluster(""));
        Assert.StartsWith("cluster.tls_ca: ", Assert.Throws<RefusedException>(() => Authority.OfCluster(empty)).Message, StringComparison.Ordinal);
        Assert.StartsWith("--cacert: ", Assert.Throws<RefusedException>(() => Authority.Named("--cacert", empty + ".not")).Message, StringComparison.Ordinal);
    }

    /// <summary>A certificate for a name, of an authority whose own is written to a file.</summary>
    private X509Certificate2 Signed(string authorityFile, string name)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = new CertificateRequest($"CN=authority of {authorityFile}", authorityKey, HashAlgorithmName.SHA256);
        authority.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var own = authority.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(Path.Combine(_folder.Path, authorityFile), own.ExportCertificatePem());

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(own, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(12), RandomNumberGenerator.GetBytes(8));
        return certificate.CopyWithPrivateKey(key);
    }

    private static async Task<bool> ConnectsAsync(X509Certificate2 shown, Authority authority, string address)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var accepting = listener.AcceptTcpClientAsync();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var accepted = await accepting;
        await using var server = new SslStream(accepted.GetStream());
        await using var stream = new SslStream(client.GetStream());
        var serving = server.AuthenticateAsServerAsync(shown);
        var options = new SslClientAuthenticationOptions { TargetHost = address };
        authority.DemandIn(options);
        try
        {
            await stream.AuthenticateAsClientAsync(options);
            await serving;
            return true;
        }
        catch (AuthenticationException)
        {
            client.Close();
            await serving.ContinueWith(static ended => ended.Exception, TaskScheduler.Default); // it may or may not have noticed
            return false;
        }
    }
}

using System.Net;
using WolfScale.Server.Hosting;
using WolfScale.Settings;

namespace WolfScale.Unit.Server.Data;

/// <summary>Where the API has no way to the database it says why.</summary>
public class ApiAccessTests
{
    private static readonly IPEndPoint Proxy = new(IPAddress.Loopback, 3307);

    [Fact]
    public void It_is_a_client_of_the_nodes_own_proxy_with_the_nodes_account()
    {
        var configuration = new NodeConfiguration
        {
            Database = new DatabaseSection { User = "wolf", Password = "secret", PoolSize = 7 },
            Proxy = new ProxySection { TlsRequired = true, FailoverWaitMs = 123 },
        };

        Assert.Equal((Proxy, true, "wolf", "secret", 7, 123), ApiAccess.Find(configuration, Proxy).Options is { } o ? (o.Proxy, o.Tls, o.User, o.Password, o.Size, o.WaitMs) : default);
    }

    [Fact]
    public void A_witness_a_node_without_a_proxy_and_one_that_starts_have_none()
    {
        Assert.Contains("witness", ApiAccess.Find(new NodeConfiguration { Database = new DatabaseSection { Enabled = false } }, null).Why, StringComparison.Ordinal);
        Assert.Contains("proxy.enabled = true", ApiAccess.Find(new NodeConfiguration { Proxy = new ProxySection { Enabled = false } }, null).Why, StringComparison.Ordinal);
        Assert.Contains("starting", ApiAccess.Find(new NodeConfiguration(), null).Why, StringComparison.Ordinal);
    }
}

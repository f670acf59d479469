using System.Globalization;
using MySqlConnector;

namespace WolfScale.Settings;

/// <summary>How the local MariaDB is reached: by socket where one is given.</summary>
public static class DatabaseAddress
{
    public static string ConnectionString(DatabaseSection database, TimeSpan? timeout = null)
    {
        var builder = new MySqlConnectionStringBuilder
        {
            UserID = database.User,
            Password = database.Password,
            ConnectionTimeout = (uint)(timeout?.TotalSeconds ?? database.ConnectTimeoutS),
            Pooling = false,
        };
        if (database.Socket.Length > 0)
        {
            builder.Server = database.Socket;
            builder.ConnectionProtocol = MySqlConnectionProtocol.UnixSocket;
        }
        else
        {
            builder.Server = database.Host;
            builder.Port = (uint)database.Port;
        }

        return builder.ConnectionString;
    }

    /// <summary>For messages: user and place, no password.</summary>
    public static string Describe(DatabaseSection database) => database.Socket.Length > 0
        ? $"MariaDB at {database.Socket} as {database.User}"
        : string.Create(CultureInfo.InvariantCulture, $"MariaDB at {database.Host}:{database.Port} as {database.User}");
}

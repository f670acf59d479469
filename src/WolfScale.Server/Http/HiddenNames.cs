using System.Globalization;
using WolfScale.Proxy.Sql;

namespace WolfScale.Server.Http;

/// <summary><c>GET /hidden-names</c>, as nodes write it and proxies elsewhere read it. Hashes: a route that is open does not name what is in the databases.</summary>
internal static class HiddenNames
{
    public static HiddenNamesDocument Document(HiddenViews views) =>
        new(views.Version, views.HasOddNames, [.. views.Hashes.Select(n => new HiddenNameDocument(n.Hash.ToString("x16", CultureInfo.InvariantCulture), (int)n.Does))]);

    /// <exception cref="FormatException">A hash is none.</exception>
    public static HiddenViews Read(HiddenNamesDocument told) =>
        HiddenViews.Told(told.Names.Select(n => (ulong.Parse(n.Hash, NumberStyles.HexNumber, CultureInfo.InvariantCulture), (HiddenDoing)n.Does)), told.HasOddNames);
}

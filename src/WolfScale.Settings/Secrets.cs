using System.Buffers.Text;
using System.Security.Cryptography;

namespace WolfScale.Settings;

/// <summary>Fresh secrets, tokens and passwords.</summary>
public static class Secrets
{
    /// <summary>256 random bits as 43 characters that need no quoting in a shell, a URL or SQL.</summary>
    public static string Fresh() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}

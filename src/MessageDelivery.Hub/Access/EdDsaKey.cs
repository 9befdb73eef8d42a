using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;
using Org.BouncyCastle.Crypto.Parameters;

namespace MessageDelivery.Hub.Access;

/// <summary>An Ed25519 public key (RFC 8032), as the library for JSON Web Tokens wants one. The framework has no Ed25519.</summary>
internal sealed class EdDsaKey : AsymmetricSecurityKey, ICryptoProvider
{
    /// <summary>What JSON Web Tokens call the algorithm (RFC 8037).</summary>
    public const string Algorithm = "EdDSA";

    private const int SignatureBytes = 64;

    private readonly Ed25519PublicKeyParameters _key;

    /// <param name="key">Its 32 bytes.</param>
    /// <exception cref="CryptographicException">They are not a point of the curve.</exception>
    public EdDsaKey(ReadOnlySpan<byte> key)
    {
        try
        {
            _key = new(key);
        }
        catch (ArgumentException)
        {
            throw new CryptographicException("not a point of the curve");
        }

        CryptoProviderFactory = new CryptoProviderFactory { CustomCryptoProvider = this, CacheSignatureProviders = false };
    }

    public override int KeySize => 256;

    [Obsolete("Of the base class.")]
    public override bool HasPrivateKey => false;

    public override PrivateKeyStatus PrivateKeyStatus => PrivateKeyStatus.DoesNotExist;

    public override bool IsSupportedAlgorithm(string algorithm) => algorithm == Algorithm;

    public bool IsSupportedAlgorithm(string algorithm, params object[] args) => algorithm == Algorithm;

    public object Create(string algorithm, params object[] args) => new Verifier(this);

    public void Release(object cryptoInstance) => ((Verifier)cryptoInstance).Dispose();

    private sealed class Verifier(EdDsaKey key) : SignatureProvider(key, EdDsaKey.Algorithm)
    {
        public override byte[] Sign(byte[] input) => throw new NotSupportedException("A public key signs nothing.");

        public override bool Verify(byte[] input, byte[] signature) =>
            signature.Length == SignatureBytes && key._key.Verify(Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.Algorithm.Ed25519, null, input, signature);

        public override bool Verify(byte[] input, int inputOffset, int inputLength, byte[] signature, int signatureOffset, int signatureLength) =>
            Verify(input.AsSpan(inputOffset, inputLength).ToArray(), signature.AsSpan(signatureOffset, signatureLength).ToArray());

        protected override void Dispose(bool disposing)
        {
        }
    }
}

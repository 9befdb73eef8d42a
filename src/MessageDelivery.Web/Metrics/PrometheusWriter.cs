using System.Buffers;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace MessageDelivery.Web.Metrics;

/// <summary>Writes measurements in the Prometheus text format, version 0.0.4. Those of one instrument come one after the other.</summary>
internal sealed class PrometheusWriter(IBufferWriter<byte> output)
{
    private Instrument? _instrument;
    private string _name = "";

    /// <summary>Begins anew.</summary>
    public void Reset() => _instrument = null;

    public void Write(Instrument instrument, string value, ReadOnlySpan<KeyValuePair<string, object?>> labels)
    {
        if (instrument != _instrument)
        {
            (_instrument, _name) = (instrument, MetricName.Of(instrument));
            Put($"# HELP {_name} {Escape(instrument.Description ?? "", isLabel: false)}\n# TYPE {_name} {(MetricName.IsCounter(instrument) ? "counter" : "gauge")}\n");
        }

        Put(_name);
        for (int i = 0; i < labels.Length; i++)
        {
            string text = Convert.ToString(labels[i].Value, CultureInfo.InvariantCulture) ?? "";
            Put($"{(i == 0 ? '{' : ',')}{MetricName.OfLabel(labels[i].Key)}=\"{Escape(text, isLabel: true)}\"");
        }

        Put($"{(labels.IsEmpty ? "" : "}")} {value}\n");
    }

    public static string Text(double value) =>
        double.IsNaN(value) ? "NaN" : double.IsInfinity(value) ? value > 0 ? "+Inf" : "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);

    private static string Escape(string text, bool isLabel)
    {
        text = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
        return isLabel ? text.Replace("\"", "\\\"", StringComparison.Ordinal) : text;
    }

    private void Put(string text) => Encoding.UTF8.GetBytes(text, output);
}

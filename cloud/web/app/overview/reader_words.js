// What the gateway's reader says of a site file, in Chinese as well: by what it says, as it holds names and numbers. What
// no pattern fits stands as the reader said it. A test compares the table with the reader's own sentences.
import { t } from "../i18n.js";

/** The reader's sentence and the text for people; the first that fits. Groups fill the holes. @type {[RegExp, string][]} */
const SAID = [
  [/^missing$/, "missing"],
  [/^empty$/, "empty"],
  [/^not UTF-8$/, "not_utf8"],
  [/^not TOML: (?<why>.+)$/s, "not_toml"],
  [/^nested too deeply$/, "too_deep"],
  [/^unknown key; did you mean '(?<near>.+)'\?$/, "did_you_mean"],
  [/^unknown key$/, "unknown_key"],
  [/^(?<what>.+) is not allowed$/, "not_allowed"],
  [/^cannot be changed from afar$/, "box_only"],
  [/^as in the site file on the box; only there can it be changed$/, "as_on_the_box"],
  [/^url, username and files as in the site file on the box; only there can it be changed$/, "server_as_on_the_box"],
  [/^a file on the box goes with the server and the user it stands beside there$/, "file_goes_with"],
  [/^(?<what>.+) is no serial port$/, "no_serial_port"],
  [/^the site file on the box does not allow so much of (?<point>.+)$/, "too_much"],
  [/^the collector may give this device orders, so it stays what and where it is$/, "device_stays"],
  [/^bus '(?<bus>.+)' leads elsewhere, and the collector may give this device orders$/, "bus_stays"],
  [/^reading it took longer than (?<s>[\d.]+) s$/, "too_slow"],
  [/^reading it failed, perhaps for want of memory/, "no_memory"],
  [/^it was made for another file than runs here; here runs (?<sha>[0-9a-f]+)$/, "other_file"],
  [/^somebody edited the site file on the box$/, "edited"],
  [/^(?<what>.+) is no id$/, "no_id"],
  [/^no time zone (?<what>.+)$/, "no_zone"],
  [/^(?<what>.+) is too small$/, "too_small"],
  [/^(?<what>.+) is no name of a bus$/, "no_bus_name"],
  [/^missing or no text$/, "missing"],
  [/^no profile (?<what>.+)$/, "no_profile"],
  [/^(?<what>.+) is not a broker address; write .+$/, "no_broker"],
  [/^a broker address holds no credentials; /, "broker_secret"],
  [/^(?<what>.+) is no host$/, "no_host"],
  [/^(?<what>.+) is no TCP port$/, "no_port"],
  [/^means nothing for (?<what>.+)$/, "means_nothing"],
  [/^(?<what>.+) is the gateway's own name for itself$/, "own_name"],
  [/^no bus (?<what>.+)$/, "no_bus"],
  [/^no device (?<what>.+)$/, "no_device"],
  [/^(?<what>.+) is not for a bus of kind (?<kind>.+)$/, "other_bus_kind"],
  [/^every point of (?<what>.+) is known from one source only; compare with the display$/, "one_source"],
  [/^no unit id$|^(?<what>.+) is no unit id$/, "no_unit"],
  [/^(?<what>.+) is no transformer ratio$/, "no_ratio"],
  [/^(?<what>.+) is no topic of a device$/, "no_topic"],
  [/^(?<what>.+) is no form of card number$/, "no_card_form"],
  [/^(?<what>.+) has no point (?<point>.+)$/, "no_point"],
  [/^(?<what>.+) is a state: every change of it is sent$/, "is_state"],
  [/^(?<what>.+) is no deadband$/, "no_deadband"],
  [/^unit (?<unit>\d+) is already (?<other>.+) on bus (?<bus>.+), line (?<line>\d+)$/, "unit_taken"],
  [/^(?<what>.+) stands twice, first in line (?<line>\d+)$/, "twice"],
  [/^a password without a username$/, "password_alone"],
  [/^a key without a certificate$/, "key_alone"],
  [/^a certificate is only shown over TLS$/, "certificate_plain"],
  [/^(?<what>.+) is out of range$/, "out_of_range"],
  [/^(?<what>.+) is not a duration; write .+$/, "no_duration"],
  [/^(?<what>.+) is not a size; write .+$/, "no_size"],
  [/^too long$/, "too_long"],
  [/^a door without a reader$/, "no_reader"],
  [/^(?<what>.+) reads no cards$/, "reads_no_cards"],
  [/^anti-passback needs both sides of the door$/, "both_sides"],
  [/^the same zone on both sides$/, "same_zone"],
  [/^expected `(?<wanted>[^`]+)`, got `(?<got>[^`]+)`$/, "other_type"],
  // What would be right.
  [/^(?<low>[\d.]+) to (?<high>[\d.]+)$/, "low_to_high"],
  [/^(?<low>[\d.]+) ?(?<unit>s|ms) to (?<high>[\d.]+) ?(?:s|ms)$/, "seconds_to"],
  [/^leave it out$/, "leave_out"],
  [/^any other id$/, "other_id"],
  [/^one of each$/, "one_of_each"],
  [/^one bus per line$/, "bus_per_line"],
  [/^one unit id per device on a bus$/, "unit_per_device"],
  [/^username beside it$/, "username_beside"],
  [/^a name or an address, like 192\.168\.1\.20$/, "host_like"],
  [/^1 to 65535, without quotes$/, "port_like"],
  [/^1 MiB or more$/, "mib_or_more"],
  [/^above 0, like 40 for 200\/5 A$/, "ratio_like"],
];

/** @param {string} text */
export function readerWords(text) {
  for (const [pattern, key] of SAID) {
    const match = pattern.exec(text);
    if (match) return t(`reader.${key}`, Object.fromEntries(Object.entries(match.groups ?? {}).map(([name, value]) => [name, value ?? ""])));
  }
  return text;
}

// Written by `python -m infra.contract` from functions/intake/contract.toml: change that, not this.
export const FIELDS = [
  {"name": "agent_id", "missing": "Enter your agent ID.", "agents_own": true, "max_length": 200},
  {"name": "business_entity", "agents_own": true, "max_length": 200},
  {"name": "account_name", "missing": "Enter the account name as it is on the bill.", "max_length": 200},
  {"name": "contact_name", "missing": "Enter the name of the person to contact.", "max_length": 200},
  {"name": "title", "missing": "Enter the contact's title, such as Owner.", "max_length": 200},
  {"name": "phone", "missing": "Enter a phone number.", "wrong": "Enter a US phone number with area code, like 607-555-0123.", "pattern": "[0-9\\s().+/-]+", "digits": "1?[2-9][0-9]{2}[2-9][0-9]{6}", "max_length": 200},
  {"name": "email", "missing": "Enter an email address.", "wrong": "Enter an email address in the correct format, like name@example.com.", "pattern": "[^\\s@<>,;:\"()\\[\\]\\\\]+@[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+", "max_length": 200},
  {"name": "utility", "kind": "choice", "missing": "Choose the utility.", "wrong": "Choose the utility from the list", "max_length": 200},
  {"name": "account_type", "kind": "choice", "missing": "Choose the account type.", "wrong": "Choose the account type from the list", "max_length": 200},
  {"name": "developer", "kind": "choice", "missing": "Choose the developer.", "agents_own": true, "max_length": 200},
  {"name": "consent", "kind": "tick", "missing": "The customer must agree to the terms and the power of attorney.", "wrong": "The customer must agree to the terms and the power of attorney.", "max_length": 200},
  {"name": "sms_consent", "kind": "tick", "wrong": "Answer yes or no.", "max_length": 200},
];
export const UTILITIES = ["NYSEG", "RG&E", "National Grid", "Central Hudson", "Con Edison", "Orange & Rockland", "PSEG Long Island"];
export const ACCOUNT_TYPES = ["Small Demand <25 kW", "Large Demand >25 kW", "Mass Market"];
export const MAX_FILES = 10;
export const MAX_UPLOAD_BYTES = 31457280;
export const SNIFF_BYTES = 1024;
export const HEIC_BRANDS = ["heic", "heim", "heis", "heix", "hevc", "hevm", "hevs", "hevx", "mif1", "msf1"];
export const AVIF = "^[\\s\\S]{4}ftyp(?:avi[fs]|(?:hei|mif|msf|mia)(?![\\s\\S]*hvc1)[\\s\\S]*(?:avi[fs]|av01))";
export const RAW = "^(?:II\\*\\0[\\s\\S]*\\x12\\xc6\\x01\\0\\x04\\0\\0\\0|MM\\0\\*[\\s\\S]*\\xc6\\x12\\0\\x01\\0\\0\\0\\x04|II\\*\\0[\\s\\S]{4}CR)";
